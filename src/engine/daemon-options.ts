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

/** How networks are set up; the names in brackets are dockerd's flags. */
export interface NetworkOptions {
  /** Name of the default network's bridge, `none` for no such network (--bridge). */
  readonly bridge: string;
  /** Address and prefix of the default bridge (--bip, --bip6); undefined: from the default pools. */
  readonly bip?: string;
  readonly bip6?: string;
  /** Addresses of the default bridge's containers are from here (--fixed-cidr, --fixed-cidr-v6). */
  readonly fixedCidr?: string;
  readonly fixedCidrV6?: string;
  /** The default bridge's containers send what leaves this way, not by the bridge (--default-gateway, -v6). */
  readonly defaultGateway?: string;
  readonly defaultGatewayV6?: string;
  /** Subnets of networks that ask for none: prefix, and prefix length of each (--default-address-pool). */
  readonly addressPools: readonly { readonly base: string; readonly size: number }[];
  /** Options of networks by driver (--default-network-opt). */
  readonly defaultOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  /** Where `host-gateway` leads; empty: to the default bridge (--host-gateway-ip). */
  readonly hostGateway: readonly string[];
  /** Whether containers of the default bridge reach each other (--icc). */
  readonly icc: boolean;
  /** Address of the host on which ports are published that name none (--ip). */
  readonly publishAddress: string;
  /** Whether the host is made to forward packets (--ip-forward). */
  readonly ipForward: boolean;
  /** Whether packets of the default bridge leave with the host's address (--ip-masq). */
  readonly masquerade: boolean;
  /** Whether there are firewall rules at all (--iptables, --ip6tables). */
  readonly firewall4: boolean;
  readonly firewall6: boolean;
  /** Whether the default bridge has IPv6 (--ipv6). */
  readonly ipv6: boolean;
  /** Of the default bridge (--mtu). */
  readonly mtu: number;
  readonly userlandProxy: boolean;
  /** A program in place of the built-in proxy (--userland-proxy-path). */
  readonly userlandProxyPath?: string;
  /** Packets may come straight to containers' addresses (--allow-direct-routing). */
  readonly directRouting: boolean;
  /** Packets with this mark, `0x1` or `0x1/0x3`, may come straight to containers (--bridge-accept-fwmark). */
  readonly acceptMark?: string;
  /** Whether the host's own firewall rules are asked about published ports (--published-ports). */
  readonly respectHostFirewall: boolean;
}

/** What applies where nothing is said. */
export const networkDefaults: NetworkOptions = {
  bridge: "docker0",
  addressPools: [],
  defaultOptions: {},
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
  hostGateway: [],
  icc: true,
  publishAddress: "0.0.0.0",
  ipForward: true,
  masquerade: true,
  firewall4: true,
  firewall6: true,
  ipv6: false,
  mtu: 1500,
  userlandProxy: true,
  directRouting: false,
  respectHostFirewall: false,
};

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
  readonly network: NetworkOptions;
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
