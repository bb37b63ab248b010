/**
 * Who reaches whom: what reach.test.ts expects of the world of reach-world.ts, with the userland proxy and without, of this
 * engine and of dockerd 28.5.2.
 * @module
 */

/** Where an answer isn't the same everywhere. */
export interface OtherAnswers {
  /** With `--userland-proxy=false`. */
  readonly off?: string;
  /** dockerd's. */
  readonly docker?: string;
  /** dockerd's with `--userland-proxy=false`; else as ours. */
  readonly dockerOff?: string;
  /** Why dockerd's differ. */
  readonly why?: keyof typeof reasons;
}

/** Why the engine answers otherwise than dockerd. */
export const reasons = {
  ownAddress:
    "what the host sends to an address of its own leaves with that address; dockerd without its proxy masquerades it",
  neighbourOnBridge:
    "the answer comes back by the host in every case; dockerd without its proxy relies on br_netfilter for it",
  withoutProxy:
    "published ports are for everybody, with or without the proxy; dockerd drops what comes from another of its bridges",
  routedSource:
    "a routed network's addresses are kept, while dockerd's proxy takes their place, and nothing without it",
} as const;

/**
 * `FROM TO`, and as whom FROM is seen there; `silence` or ECONNREFUSED if it isn't; `nobody`: either, as the kernel's
 * knowledge of who has an address may have it.
 */
export const reach: readonly (readonly [probe: string, answer: string, others?: OtherAnswers])[] = [
  // Containers' own addresses.
  ["peer web:80", "peer"],
  ["peer web6:80", "peer6"],
  ["peer web:81", "peer"],
  ["other web:80", "silence"],
  ["other web6:80", "silence"],
  ["other web:81", "silence"],
  ["host web:80", "one.gateway"],
  ["host web6:80", "one.gateway6"],
  ["host web:81", "one.gateway"],
  ["neighbour web:80", "silence"],
  ["neighbour web6:80", "silence"],
  ["neighbour web:81", "silence"],
  // A published port, from the host and from the LAN.
  ["host localhost:8080", "one.gateway"],
  ["host lan:8080", "lan", { dockerOff: "one.gateway", why: "ownAddress" }],
  ["host one.gateway:8080", "one.gateway"],
  ["host localhost6:8080", "one.gateway6", { off: "silence" }],
  ["host lan6:8080", "lan6", { dockerOff: "one.gateway6", why: "ownAddress" }],
  ["host one.gateway6:8080", "one.gateway6"],
  ["neighbour lan:8080", "neighbour"],
  ["neighbour lan6:8080", "neighbour6"],
  ["neighbour one.gateway:8080", "neighbour"],
  // From containers, also from the one whose port it is.
  ["peer lan:8080", "one.gateway", { dockerOff: "peer", why: "neighbourOnBridge" }],
  ["peer one.gateway:8080", "one.gateway", { dockerOff: "peer", why: "neighbourOnBridge" }],
  ["peer lan6:8080", "one.gateway6", { dockerOff: "peer6", why: "neighbourOnBridge" }],
  ["peer one.gateway6:8080", "one.gateway6", { dockerOff: "peer6", why: "neighbourOnBridge" }],
  ["other lan:8080", "one.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["other one.gateway:8080", "one.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["other two.gateway:8080", "one.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["other lan6:8080", "one.gateway6", { dockerOff: "silence", why: "withoutProxy" }],
  ["web lan:8080", "one.gateway"],
  ["web one.gateway:8080", "one.gateway"],
  ["web lan6:8080", "one.gateway6"],
  ["web one.gateway6:8080", "one.gateway6"],
  ["web localhost:8080", "ECONNREFUSED"],
  ["web web:80", "web"],
  // Published at one address of the host alone: 8081 at 127.0.0.1, 8082 at ::1, 8086 at the LAN's.
  ["host localhost:8081", "one.gateway"],
  ["host lan:8081", "ECONNREFUSED"],
  ["neighbour lan:8081", "ECONNREFUSED"],
  ["neighbour localhost:8081", "silence"],
  ["peer one.gateway:8081", "ECONNREFUSED"],
  ["peer lan:8081", "ECONNREFUSED"],
  ["host localhost6:8082", "one.gateway6", { off: "silence" }],
  ["host localhost:8082", "ECONNREFUSED"],
  ["neighbour lan6:8082", "ECONNREFUSED"],
  ["host lan:8086", "lan", { dockerOff: "one.gateway", why: "ownAddress" }],
  ["host localhost:8086", "ECONNREFUSED"],
  ["neighbour lan:8086", "neighbour"],
  ["peer lan:8086", "one.gateway", { dockerOff: "peer", why: "neighbourOnBridge" }],
  ["host one.gateway:8086", "ECONNREFUSED"],
  // UDP.
  ["host localhost:8080/udp", "one.gateway"],
  ["host lan:8080/udp", "lan", { dockerOff: "one.gateway", why: "ownAddress" }],
  ["host localhost6:8080/udp", "one.gateway6", { off: "silence" }],
  ["host lan6:8080/udp", "lan6", { dockerOff: "one.gateway6", why: "ownAddress" }],
  ["neighbour lan:8080/udp", "neighbour"],
  ["neighbour lan6:8080/udp", "neighbour6"],
  ["peer lan:8080/udp", "one.gateway", { dockerOff: "peer", why: "neighbourOnBridge" }],
  ["web lan:8080/udp", "one.gateway"],
  ["other lan:8080/udp", "one.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  // A container of the default bridge, which has no IPv6.
  ["host localhost:8090", "plain.gateway"],
  ["host localhost6:8090", "plain.gateway", { off: "ECONNREFUSED" }],
  ["host lan6:8090", "plain.gateway", { off: "ECONNREFUSED" }],
  ["neighbour lan:8090", "neighbour"],
  ["neighbour lan6:8090", "plain.gateway", { off: "ECONNREFUSED" }],
  ["plain lan:8090", "plain.gateway"],
  ["plain web:80", "silence"],
  ["peer plain:80", "silence"],
  ["peer lan:8090", "plain.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["peer lan6:8090", "plain.gateway", { off: "ECONNREFUSED" }],
  // Out of the host, and to the host.
  ["web neighbour:7000", "lan"],
  ["web neighbour6:7000", "lan6"],
  ["plain neighbour:7000", "lan"],
  ["web neighbour:7000/udp", "lan"],
  ["web lan:7001", "web"],
  ["web one.gateway:7001", "web"],
  ["q1 neighbour:7000", "lan"],
  ["bare neighbour:7000", "lan"],
  ["straight neighbour:7000", "straight"],
  ["straight neighbour6:7000", "straight6"],
  ["mac1 neighbour:7000", "mac1"],
  ["lonely neighbour:7000", "ECONNREFUSED"],
  ["hosted neighbour:7000", "lan"],
  ["joined neighbour:7000", "lan"],
  // A network that is internal.
  ["in1 in2:80", "in1"],
  ["in1 in26:80", "in16"],
  ["in1 web:80", "ECONNREFUSED"],
  ["web in1:80", "silence"],
  ["web in16:80", "silence"],
  ["host in1:80", "shut.gateway"],
  ["host in16:80", "shut.gateway6"],
  ["neighbour in1:80", "silence"],
  ["neighbour in16:80", "silence"],
  ["in1 neighbour:7000", "ECONNREFUSED"],
  ["in1 neighbour6:7000", "ECONNREFUSED"],
  ["in1 lan:8080", "ECONNREFUSED"],
  ["in1 shut.gateway:8080", "silence"],
  ["in1 lan:7001", "ECONNREFUSED"],
  ["in1 shut.gateway:7001", "in1"],
  // A network whose containers don't reach each other (icc off).
  ["q2 q1:80", "silence"],
  ["q2 q16:80", "nobody"],
  ["q2 lan:8083", "quiet.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["q2 quiet.gateway:8083", "quiet.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["q2 lan6:8083", "quiet.gateway6", { dockerOff: "silence", why: "withoutProxy" }],
  ["q1 lan:8083", "quiet.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["host q1:80", "quiet.gateway"],
  ["neighbour lan:8083", "neighbour"],
  ["web q1:80", "silence"],
  ["web lan:8083", "quiet.gateway", { dockerOff: "silence", why: "withoutProxy" }],
  ["host localhost:8083", "quiet.gateway"],
  // Gateway modes: nat-unprotected (bare), routed (straight; its port 80 is published, 81 is not).
  ["neighbour bare:80", "neighbour"],
  ["neighbour bare6:80", "neighbour6"],
  ["web bare:80", "silence"],
  ["host bare:80", "open.gateway"],
  ["bare web:80", "silence"],
  ["neighbour straight:80", "neighbour"],
  ["neighbour straight6:80", "neighbour6"],
  ["neighbour straight:81", "silence"],
  ["web straight:80", "routed.gateway"],
  ["web straight:81", "silence"],
  ["host straight:81", "routed.gateway"],
  ["straight web:80", "silence"],
  ["straight lan:8080", "straight", { docker: "one.gateway", dockerOff: "silence", why: "routedSource" }],
  // macvlan on the LAN, no network, the host's, another container's.
  ["neighbour mac1:80", "neighbour"],
  ["mac1 mac2:80", "mac1"],
  ["host mac1:80", "nobody"],
  ["web mac1:80", "nobody"],
  ["mac1 lan:8080", "nobody"],
  ["mac1 web:80", "nobody"],
  ["lonely web:80", "ECONNREFUSED"],
  ["neighbour lan:7070", "neighbour"],
  ["web lan:7070", "web"],
  ["hosted localhost:8080", "one.gateway"],
  ["hosted web:80", "one.gateway"],
  ["joined localhost:80", "localhost"],
  ["joined peer:80", "web"],
  ["peer web:90", "peer"],
  ["neighbour web:90", "silence"],
  ["joined lan:8080", "one.gateway"],
];
