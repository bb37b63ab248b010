/**
 * config.json of an OCI bundle (runtime-spec 1.2, config.md and config-linux.md): what the engine writes and the
 * runtime compiles. Unknown properties are ignored, as the specification demands.
 * @module
 */

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface SpecMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  /**
   * Not OCI's: `source` is a path in this mount namespace, whose links are not followed. `keep`: the namespace stays
   * open until the container's process has exited.
   */
  readonly from?: { readonly namespace: string; readonly keep: boolean };
  /** Not OCI's: only this path inside of what is mounted; no link of it leads out. */
  readonly subpath?: string;
}

export interface SpecUser {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
}

export interface SpecCapabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
}

export interface SpecRlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface SpecProcess {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: SpecUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities?: SpecCapabilities;
  readonly rlimits?: readonly SpecRlimit[];
  readonly noNewPrivileges?: boolean;
  readonly oomScoreAdj?: number;
}

export type NamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

export interface SpecNamespace {
  readonly type: NamespaceType;
  /** Join the one at this path; absent: a new one. */
  readonly path?: string;
}

export interface SpecDevice {
  readonly type: "c" | "b" | "u" | "p";
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface SpecLinux {
  readonly namespaces: readonly SpecNamespace[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly devices?: readonly SpecDevice[];
  readonly cgroupsPath?: string;
  /** Limits, in the form of src/cgroup. */
  readonly resources?: object;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: object;
  readonly rootfsPropagation?: string;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
}

export interface Spec {
  readonly ociVersion: string;
  readonly process: SpecProcess;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts: readonly SpecMount[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: SpecLinux;
}
