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

/** A pool that networks without a subnet of their own are cut from. */
export interface AddressPoolOption {
  /** `10.10.0.0/16` */
  readonly base: string;
  /** Prefix length of the subnets. */
  readonly size: number;
}

/** How networks are made, and the default bridge among them. Addresses are canonical texts. */
export interface NetworkOptions {
  /** Undefined: `docker0`, which the engine makes; `none`: there is no default bridge; else a bridge that somebody made. */
  readonly bridge?: string;
  /** The default bridge's addresses with their prefix lengths: `172.17.0.1/16`. */
  readonly bip?: string;
  readonly bip6?: string;
  /** Where the default bridge's containers get their addresses from. */
  readonly fixedCidr?: string;
  readonly fixedCidrV6?: string;
  /** Gateways of the default bridge's containers, when it isn't the bridge. */
  readonly defaultGateway?: string;
  readonly defaultGatewayV6?: string;
  readonly defaultAddressPools: readonly AddressPoolOption[];
  /** Options that networks of a driver get when nothing is said: driver → option → value. */
  readonly defaultNetworkOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  /** What `host-gateway` stands for, at most one of each family; none: the default bridge's addresses. */
  readonly hostGatewayAddresses: readonly string[];
  readonly interContainerCommunication: boolean;
  /** Where ports of the default bridge are published when nothing is said; undefined: everywhere. */
  readonly defaultHostAddress?: string;
  readonly ipForward: boolean;
  /** Whether the policy of forwarding stays as it is when forwarding is turned on. */
  readonly ipForwardNoDrop: boolean;
  /** Masquerading of the default bridge. */
  readonly ipMasquerade: boolean;
  /** Whether the engine has firewall rules for IPv4, and for IPv6. */
  readonly iptables: boolean;
  readonly ip6tables: boolean;
  /** IPv6 on the default bridge. */
  readonly ipv6: boolean;
  /** Of the default bridge. */
  readonly mtu: number;
  readonly userlandProxy: boolean;
  /** A proxy with docker-proxy's arguments; undefined: the engine's own. */
  readonly userlandProxyPath?: string;
  /** Whether others may reach published ports by the containers' own addresses. */
  readonly allowDirectRouting: boolean;
  /** Packets with this mark go in to containers, whatever their network says. */
  readonly bridgeAcceptMark?: { readonly mark: number; readonly mask: number };
  readonly publishedPorts: {
    /** Where ports of every network are published when nothing is said; undefined: as Docker does. */
    readonly defaultAddress?: string;
    /** Whether the rules that the host has for itself apply to published ports. */
    readonly respectHostFirewall: boolean;
  };
}

/** What Docker does when nothing is said. */
export const networkDefaults: NetworkOptions = {
  defaultAddressPools: [],
  defaultNetworkOptions: {},
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
  hostGatewayAddresses: [],
  interContainerCommunication: true,
  ipForward: true,
  ipForwardNoDrop: false,
  ipMasquerade: true,
  iptables: true,
  ip6tables: true,
  ipv6: false,
  mtu: 1500,
  userlandProxy: true,
  allowDirectRouting: false,
  publishedPorts: { respectHostFirewall: false },
};

/** What may be asked over one socket. What isn't said is allowed. */
export interface SocketPolicy {
  /** Nothing is changed: lists, inspections, logs, events. */
  readonly readOnly: boolean;
  /** Only objects with this label (`key=value`) are seen and touched, and what is made gets it. */
  readonly label?: string;
  /** No privileges beyond a plain container's: capabilities, devices, namespaces of the host, security options. */
  readonly noPrivileged: boolean;
  /** No files of the host: binds, volumes that are folders of the host. */
  readonly noHostMounts: boolean;
}

/** A socket beside `hosts`, with what may be asked there. */
export interface SocketOptions {
  /** As in `hosts`. */
  readonly host: string;
  /** Owner of a unix socket; undefined: as of the others. */
  readonly group?: string;
  readonly policy?: SocketPolicy;
}

/** TLS of TCP sockets; files in PEM form. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Clients need a certificate of this authority; undefined: they need none. */
  readonly clientCa?: string;
}

/** Proxies that registries are reached through; empty ones are not set. */
export interface ProxyOptions {
  readonly http?: string;
  readonly https?: string;
  /** Hosts that are reached without. */
  readonly none?: string;
}

/** What SIGHUP can change while the daemon runs; as in dockerd, and the log's level. */
export interface ReloadableOptions {
  readonly debug: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "fatal";
  /** `key=value` labels of the daemon. */
  readonly labels: readonly string[];
  /** Hosts or CIDRs of registries that may be reached without TLS. */
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  /** Layers that are downloaded at once by all pulls, uploaded at once by all pushes. */
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploads: number;
  /** How often a download is begun before a pull fails. */
  readonly maxDownloadAttempts: number;
  /** Of containers' /dev/shm, in bytes. */
  readonly defaultShmSize: number;
  /** Seconds that a container has to end when it is stopped and says nothing itself; below 0: as many as it wants. */
  readonly defaultStopTimeout: number;
  /** Seconds that closing may take. */
  readonly shutdownTimeout: number;
}

/** Everything that starting a daemon needs to know. */
export interface DaemonOptions extends ReloadableOptions {
  /** Where to listen: `unix:///run/caisson.sock`, `tcp://0.0.0.0:2376`, `fd://`. */
  readonly hosts: readonly string[];
  readonly sockets: readonly SocketOptions[];
  readonly tls?: TlsOptions;
  /** Whether a TCP socket without TLS and client certificates is listened at all the same. */
  readonly insecureTcp: boolean;
  /** Where numbers for Prometheus are told: `127.0.0.1:9323`. */
  readonly metricsAddress?: string;
  /** A file that every request is written down in. */
  readonly auditLog?: string;
  /** Images, containers, volumes and the database. */
  readonly dataRoot: string;
  /** Sockets and state that a reboot may lose. */
  readonly execRoot: string;
  readonly pidfile: string;
  readonly logFormat: "text" | "json";
  /** `auto`: each container has a range of user ids of its own; `host`: none has. */
  readonly userns: "auto" | "host";
  readonly cgroupDriver: "cgroupfs" | "systemd";
  /** Undefined: the driver's default. */
  readonly cgroupParent?: string;
  /** A file in Docker's JSON form, or `unconfined`; undefined: the built-in profile. */
  readonly seccompProfile?: string;
  /** What containers get where nothing is said. */
  readonly defaultUlimits: readonly DefaultUlimit[];
  readonly defaultIpcMode: "private" | "shareable";
  /** Undefined: `private` with cgroup v2, `host` with v1. */
  readonly defaultCgroupnsMode?: "private" | "host";
  readonly noNewPrivileges: boolean;
  /** Whether containers begin with an init. */
  readonly init: boolean;
  /** Folders with specifications of the Container Device Interface; the last has the last word. */
  readonly cdiSpecDirs: readonly string[];
  /** Undefined: the best that the file system has. */
  readonly storageDriver?: string;
  readonly logDriver: string;
  readonly logOpts: Readonly<Record<string, string>>;
  readonly proxies: ProxyOptions;
  readonly network: NetworkOptions;
  /** Group that owns the sockets; undefined: `docker` if there is one. */
  readonly group?: string;
  /** The daemon leaves when it was idle for this long; undefined: never. */
  readonly idleExitSeconds?: number;
}

/** What is so when nothing is said, but for what depends on the host. */
export const daemonDefaults: Omit<
  DaemonOptions,
  "hosts" | "dataRoot" | "execRoot" | "pidfile" | "cgroupDriver"
> = {
  sockets: [],
  insecureTcp: false,
  debug: false,
  logLevel: "info",
  logFormat: "text",
  labels: [],
  insecureRegistries: [],
  registryMirrors: [],
  maxConcurrentDownloads: 3,
  maxConcurrentUploads: 5,
  maxDownloadAttempts: 5,
  defaultShmSize: 64 << 20,
  defaultStopTimeout: 10,
  shutdownTimeout: 15,
  userns: "auto",
  defaultUlimits: [],
  defaultIpcMode: "private",
  noNewPrivileges: false,
  init: false,
  cdiSpecDirs: ["/etc/cdi", "/var/run/cdi"],
  logDriver: "json-file",
  logOpts: {},
  proxies: {},
  network: networkDefaults,
};
