/**
 * How a daemon is set up, as the command line and daemon.json say: plain data.
 * @module
 */

/** A limit that containers get unless they ask for another. */
export interface DefaultUlimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** Everything that starting a daemon needs to know. */
export interface DaemonOptions {
  /** Where to listen: `unix:///run/caisson.sock`. */
  readonly hosts: readonly string[];
  /** Images, containers, volumes and the database. */
  readonly dataRoot: string;
  /** Sockets and state that a reboot may lose. */
  readonly execRoot: string;
  readonly pidfile: string;
  readonly debug: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "fatal";
  /** `auto`: each container has a range of user ids of its own; `host`: none has. */
  readonly userns: "auto" | "host";
  readonly cgroupDriver: "cgroupfs" | "systemd";
  /** Undefined: the driver's default. */
  readonly cgroupParent?: string;
  /** A file in Docker's JSON form, or `unconfined`; undefined: the built-in profile. */
  readonly seccompProfile?: string;
  readonly defaultUlimits: readonly DefaultUlimit[];
  /** Hosts or CIDRs of registries that may be reached without TLS. */
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  /** Undefined: the best that the file system has. */
  readonly storageDriver?: string;
  readonly logDriver: string;
  readonly logOpts: Readonly<Record<string, string>>;
  /** `key=value` labels of the daemon. */
  readonly labels: readonly string[];
  /** Group that owns the sockets; undefined: `docker` if there is one. */
  readonly group?: string;
  /** The daemon leaves when it was idle for this long; undefined: never. */
  readonly idleExitSeconds?: number;
  /** Seconds that closing may take. */
  readonly shutdownTimeout: number;
}
