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
  readonly network: NetworkOptions;
  /** Group that owns the sockets; undefined: `docker` if there is one. */
  readonly group?: string;
  /** The daemon leaves when it was idle for this long; undefined: never. */
  readonly idleExitSeconds?: number;
  /** Seconds that closing may take. */
  readonly shutdownTimeout: number;
}
