/**
 * What the resolver is told: who is where, under which names. Plain data, sent as JSON lines from the engine.
 * @module
 */

/** A network whose names are answered. */
export interface DnsNetwork {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** `web.NAME` is `web` on this network. */
  readonly name: string;
  /** Nothing that is asked from here alone leaves the host. */
  readonly internal: boolean;
}

/** A running container's place on a network. */
export interface DnsEndpoint {
  readonly id: string;
  /** Ids of the network and of the container. */
  readonly network: string;
  readonly container: string;
  /** What inspect shows as DNSNames: the container's name first (PTR answers it), then aliases, short id, host name. */
  readonly names: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** A container that asks. */
export interface DnsContainer {
  /** 64 hexadecimal digits: what its relay says when it connects. */
  readonly id: string;
  /** Ids of its networks, in the order in which a name is looked for. */
  readonly networks: readonly string[];
  /** By network id: alias → a name on that network that only this container calls so (`--link`). */
  readonly links: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Upstream servers' addresses (`--dns`); null: the host's own, as they change. At most three are asked. */
  readonly servers: readonly string[] | null;
  /** `options ndots:N` of its resolv.conf: above 0, a single unknown word is never asked upstream. */
  readonly ndots: number;
}

/** All that the resolver knows. */
export interface DnsState {
  readonly networks: readonly DnsNetwork[];
  readonly endpoints: readonly DnsEndpoint[];
  readonly containers: readonly DnsContainer[];
}

/** One step from a state to the next. Adding what is there replaces it; removing what isn't there is no error. */
export type DnsChange =
  | { readonly op: "network"; readonly network: DnsNetwork }
  | { readonly op: "network-gone"; readonly id: string }
  | { readonly op: "endpoint"; readonly endpoint: DnsEndpoint }
  | { readonly op: "endpoint-gone"; readonly id: string }
  | { readonly op: "container"; readonly container: DnsContainer }
  | { readonly op: "container-gone"; readonly id: string };

/** Everything anew: the first line of a connection. A resolver of another version leaves. */
interface WholeState {
  readonly op: "state";
  readonly version: string;
  readonly state: DnsState;
}

/** A line from the engine. The resolver answers `{"taken": N}` when all up to `sequence` N is in force. */
export type ControlLine = (WholeState | DnsChange) & { readonly sequence: number };
