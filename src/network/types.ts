/**
 * Networks, endpoints and published ports as the engine keeps them: plain data. What the kernel holds (links, addresses,
 * rules) is derived from it.
 * @module
 */

/** One subnet of a network, as it was asked for and as it was settled. Texts in canonical form. */
export interface IpamPool {
  /** `172.18.0.0/16` */
  readonly subnet: string;
  /** Addresses are given out from here only; within `subnet`. */
  readonly ipRange?: string;
  /** The bridge's own address; undefined: the network has none (`inhibit_ipv4`, ipvlan l3, gateway mode isolated). */
  readonly gateway?: string;
  /** Never given out: name → address. */
  readonly auxiliary?: Readonly<Record<string, string>>;
  /** The subnet is from the default pools: nobody may ask for one of its addresses. */
  readonly automatic?: true;
  /** The engine chose the gateway in a subnet that the user gave: Docker's inspect doesn't show it. */
  readonly gatewayChosen?: true;
  /** What the plugin calls it that gives out its addresses. */
  readonly poolId?: string;
}

export interface NetworkIpam {
  /** `default`, `null` (host, none, CNI), or a plugin. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>> | null;
  readonly pools: readonly IpamPool[];
}

/** The drivers that are built in; others are plugins by their name. */
export type DriverName = "bridge" | "host" | "null" | "macvlan" | "ipvlan";

/** A network. It never changes after create. */
export interface NetworkRecord {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ingress: boolean;
  readonly configOnly: boolean;
  readonly configFrom: string;
  readonly ipam: NetworkIpam;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** What its plugin says that it spans; undefined: this host, `local`. */
  readonly scope?: string;
  /** Of CNI: the list of plugins, as JSON, as it was when the network was made. */
  readonly cni?: string;
}

/** A route that a plugin asks for. */
export interface ForeignRoute {
  /** `10.0.0.0/8`, `0.0.0.0/0` */
  readonly destination: string;
  /** undefined: what it leads to is on the link. */
  readonly via?: string;
}

/** What others than the engine said of an endpoint: the plugin of its network, that of its addresses, or CNI's. */
export interface ForeignEndpoint {
  /** Somebody was asked to make it, and must be told of its end. */
  readonly asked?: true;
  /** Link of the host that becomes the interface; undefined: it is in the container already, or there is none. */
  readonly link?: string;
  /** Bits of the addresses' subnets. */
  readonly prefix4?: number;
  readonly prefix6?: number;
  readonly gateway4?: string;
  readonly gateway6?: string;
  readonly routes: readonly ForeignRoute[];
  /** Name servers for what no network of the engine's has. */
  readonly servers?: readonly string[];
  /** CNI's result as JSON, by which the plugins undo it. */
  readonly result?: string;
}

/** What the user may say about a container's place on a network (Docker's EndpointSettings). */
export interface EndpointRequest {
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkLocal?: readonly string[];
  readonly links?: readonly string[];
  readonly aliases?: readonly string[];
  /** Canonical: `02:42:ac:11:00:02`. */
  readonly mac?: string;
  readonly driverOptions?: Readonly<Record<string, string>>;
  /** The network with the highest is the default gateway's. */
  readonly gatewayPriority: number;
}

export type Protocol = "tcp" | "udp" | "sctp";

/**
 * A published port, or a range of them that maps one to one: host ports `hostPort` … `hostPort + count - 1` lead to
 * `containerPort` … `containerPort + count - 1`. A range costs as much as one.
 */
export interface PublishedPort {
  readonly protocol: Protocol;
  /** Canonical; `0.0.0.0` and `::`: every address of the host of that family. */
  readonly hostAddress: string;
  /** 0: none is taken. The container's own address is reached (gateway mode `routed`). */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly count: number;
  /** Where it leads: the container's address of the host address's family, or of the other (then the proxy alone serves it). */
  readonly containerAddress: string;
  /**
   * Of a range that the firewall can't lead to the container in every case: where its proxy listens, to which the firewall
   * redirects.
   */
  readonly proxyPort?: number;
}

/** A running container's place on a network. */
export interface Endpoint {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Id of the network. */
  readonly network: string;
  /** Id of the container. */
  readonly container: string;
  /** `172.18.0.2`; undefined: it has none of this family. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Empty: whoever made the interface didn't say. */
  readonly mac: string;
  /** Name of the interface in the container: `eth0`. */
  readonly interface: string;
  /** Index of it, from `interfaceIndexOf`. */
  readonly interfaceIndex: number;
  /** Name of the host's end: `veth1a2b3c4`; undefined where there is none (macvlan). */
  readonly hostLink?: string;
  /** Its default routes go this way. */
  readonly gateway4: boolean;
  readonly gateway6: boolean;
  /** What is published of the container, by way of this endpoint. */
  readonly ports: readonly PublishedPort[];
  /** Further addresses of the interface: `169.254.3.4` (of a /16), `fe80::5` (of a /64). */
  readonly linkLocal?: readonly string[];
  /** `net.ipv4.conf.IFNAME.log_martians=1`, as `endpointSysctls` lets them through. */
  readonly sysctls?: readonly string[];
  readonly foreign?: ForeignEndpoint;
  /** What `--link` opens in a network without icc, from or to this endpoint. */
  readonly links?: readonly FirewallLink[];
}

/** `--link` in a network without icc: one container may reach a port of another. */
export interface FirewallLink {
  readonly from: string;
  readonly to: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** How a bridge lets packets in from outside: com.docker.network.bridge.gateway_mode_ipv4/6. */
export type GatewayMode = "nat" | "nat-unprotected" | "routed" | "isolated";

/** A bridge network's options, read and checked. */
export interface BridgeOptions {
  /** `docker0`, `br-` and the first 12 digits of the network's id, or what the user said. */
  readonly bridge: string;
  readonly masquerade4: boolean;
  readonly masquerade6: boolean;
  readonly icc: boolean;
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  /** Where published ports are bound when nothing is said. */
  readonly hostBinding4: string;
  /** undefined: the driver's default. */
  readonly mtu?: number;
  readonly inhibitIPv4: boolean;
  /** Interfaces from which packets straight to containers are let through. */
  readonly trustedInterfaces: readonly string[];
  /** Prefix of the interface's name in the container: `eth`. */
  readonly interfacePrefix: string;
  /** Source address of outgoing packets (com.docker.network.host_ipv4/6); undefined: masquerade. */
  readonly hostIPv4?: string;
  readonly hostIPv6?: string;
}
