/**
 * The sets and maps of the table `inet caisson`: everything that comes and goes is an element of one of them.
 * @module
 */

/** Name of the table, in the family inet. */
export const TABLE = "caisson";

interface SetDefinition {
  /** nft's types of the key's fields, and behind a colon of what a map leads to. */
  readonly type: string;
  /** Whether elements are ranges. */
  readonly intervals?: true;
  readonly what: string;
}

type PerFamily =
  | "protected"
  | "home"
  | "trusted"
  | "masquerade"
  | "source"
  | "open"
  | "link"
  | "any"
  | "at"
  | "any-range"
  | "at-range"
  | "proxied-any"
  | "proxied-at";

/** Name of a set or a map. Most are pairs, one for each family. */
export type SetName = "bridges" | "within" | "leaving" | "entering" | `${PerFamily}${4 | 6}`;

function families(
  name: PerFamily,
  definition: SetDefinition,
): readonly (readonly [SetName, SetDefinition])[] {
  const of = (type: string): SetDefinition => ({
    ...definition,
    type: definition.type.replaceAll("address", type),
  });
  return [
    [`${name}4`, of("ipv4_addr")],
    [`${name}6`, of("ipv6_addr")],
  ];
}

const port = "inet_proto . inet_service";

const definitions: readonly (readonly [SetName, SetDefinition])[] = [
  ["bridges", { type: "ifname", what: "every bridge" }],
  [
    "within",
    {
      type: "ifname . ifname : verdict",
      what: "a bridge, twice → whether its containers reach each other",
    },
  ],
  ["leaving", { type: "nf_proto . ifname : verdict", what: "bridges that nothing leaves" }],
  ["entering", { type: "nf_proto . ifname : verdict", what: "a bridge → what may enter it from elsewhere" }],
  ...families("protected", {
    type: "address",
    intervals: true,
    what: "subnets whose addresses nobody outside may name",
  }),
  ...families("home", { type: "address . ifname", intervals: true, what: "a subnet and its bridge" }),
  ...families("trusted", {
    type: "address . ifname",
    intervals: true,
    what: "a subnet and an interface from which its containers are reached directly",
  }),
  ...families("masquerade", {
    type: "address",
    intervals: true,
    what: "subnets that leave with the host's address",
  }),
  ...families("source", {
    type: "address : address",
    intervals: true,
    what: "a subnet → the address it leaves with",
  }),
  ...families("open", {
    type: `address . ${port}`,
    intervals: true,
    what: "ports of containers that may be named directly",
  }),
  ...families("link", { type: `address . address . ${port}`, what: "--link: from, to, port" }),
  ...families("any", { type: `${port} : address . inet_service`, what: "published on every address" }),
  ...families("at", {
    type: `address . ${port} : address . inet_service`,
    what: "published on one address",
  }),
  ...families("any-range", {
    type: `${port} : address`,
    intervals: true,
    what: "the same ports of a container, published on every address",
  }),
  ...families("at-range", {
    type: `address . ${port} : address`,
    intervals: true,
    what: "the same ports of a container, published on one address",
  }),
  ...families("proxied-any", {
    type: `${port} : inet_service`,
    intervals: true,
    what: "ranges on every address → the proxy's port",
  }),
  ...families("proxied-at", {
    type: `address . ${port} : inet_service`,
    intervals: true,
    what: "ranges on one address → the proxy's port",
  }),
];

/** The definitions of all sets, by name. */
export const sets: Readonly<Record<SetName, SetDefinition>> = Object.fromEntries(definitions) as Record<
  SetName,
  SetDefinition
>;

/** The names of all sets. */
export const setNames: readonly SetName[] = definitions.map(([name]) => name);
