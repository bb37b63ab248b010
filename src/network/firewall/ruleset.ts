/**
 * The firewall's rules: one table whose text depends on the engine's configuration alone. nft loads it once; what comes
 * and goes with networks and containers are elements (elements.ts). Pure.
 * @module
 */
import { createHash } from "node:crypto";
import { setNames, sets, TABLE } from "./sets.ts";

/** What the engine's configuration says about the firewall. */
export interface RulesetOptions {
  /** --bridge-accept-fwmark: packets that carry it enter every bridge. */
  readonly acceptMark?: { readonly value: number; readonly mask: number };
  /** published-ports.respect-host-firewall: from outside, only the proxy leads to published ports. */
  readonly respectHostFirewall?: boolean;
  /** Whether packets that this table lets through are marked with {@link PASS_MARK} for a rule of the host's. */
  readonly markPassed?: boolean;
}

/**
 * The bit of the packet mark by which the chain FORWARD of the host knows what this table has let through
 * (docker-user.ts). It is set before that chain and cleared behind it.
 */
export const PASS_MARK = 0x08000000;

interface Chain {
  readonly name: string;
  /** Type, hook and priority of a base chain. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Rules that a packet passes when it carries the accepted mark. */
function markRules({ acceptMark }: RulesetOptions, verdict: string): string[] {
  if (acceptMark === undefined) return [];
  const { value, mask } = acceptMark;
  return [`meta mark & ${hex(mask)} == ${hex(value)} ${verdict}`];
}

/** In front of connection tracking, as everything here also holds for connections that are known. */
function guardChains(options: RulesetOptions): Chain[] {
  const direct = (family: "4" | "6", ip: string): Chain => ({
    name: `direct${family}`,
    rules: [
      `${ip} daddr . iifname @home${family} return`,
      `${ip} daddr . iifname @trusted${family} return`,
      ...markRules(options, "return"),
      "fib daddr type local return",
      "drop",
    ],
  });
  return [
    {
      name: "guard",
      hook: "type filter hook prerouting priority raw",
      rules: [
        // route_localnet is on for bridges, so the kernel no longer refuses these itself.
        "iif != lo ip daddr 127.0.0.0/8 drop",
        "ip daddr @protected4 goto direct4",
        "ip6 daddr @protected6 goto direct6",
      ],
    },
    direct("4", "ip"),
    direct("6", "ip6"),
  ];
}

function forwardChains(options: RulesetOptions): Chain[] {
  const open = ["4", "6"].map((family) => {
    const ip = family === "4" ? "ip" : "ip6";
    return `${ip} daddr . meta l4proto . th dport @open${family} accept`;
  });
  const chains: Chain[] = [
    {
      name: "forward",
      hook: "type filter hook forward priority filter - 2",
      rules: [
        "ct state established,related accept",
        "iifname . oifname vmap @within",
        "meta nfproto . iifname vmap @leaving",
        "meta nfproto . oifname vmap @entering",
      ],
    },
    {
      name: "enter-nat",
      rules: ["ct status dnat accept", ...open, ...markRules(options, "accept"), "drop"],
    },
    {
      name: "enter-routed",
      rules: ["meta l4proto { icmp, icmpv6 } accept", ...open, ...markRules(options, "accept"), "drop"],
    },
    {
      name: "enter-unprotected",
      // Open to the LAN; networks stay apart from each other, as in Docker.
      rules: ["ct status dnat accept", ...markRules(options, "accept"), "iifname @bridges drop", "accept"],
    },
    {
      name: "without-icc",
      rules: [
        "ct status dnat accept",
        "ip saddr . ip daddr . meta l4proto . th dport @link4 accept",
        "ip6 saddr . ip6 daddr . meta l4proto . th dport @link6 accept",
        // Neighbours find each other by these, as by ARP.
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
        "drop",
      ],
    },
  ];
  if (options.markPassed !== true) return chains;
  const bit = hex(PASS_MARK);
  return [
    ...chains,
    {
      name: "mark-passed",
      hook: "type filter hook forward priority filter - 1",
      rules: [
        `iifname @bridges meta mark set meta mark | ${bit} accept`,
        `oifname @bridges meta mark set meta mark | ${bit}`,
      ],
    },
    {
      name: "unmark-passed",
      hook: "type filter hook forward priority filter + 1",
      rules: [`meta mark & ${bit} == ${bit} meta mark set meta mark & ${hex(~PASS_MARK >>> 0)}`],
    },
  ];
}

function publishChains({ respectHostFirewall }: RulesetOptions): Chain[] {
  const translate = (family: "4" | "6", ip: string): string[] => [
    `dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @at${family}`,
    `dnat ${ip} to meta l4proto . th dport map @any${family}`,
    `dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @at-range${family}`,
    `dnat ${ip} to meta l4proto . th dport map @any-range${family}`,
  ];
  const proxied = [
    "meta l4proto { tcp, sctp } redirect to :ip6 daddr . meta l4proto . th dport map @proxied-at6",
    "meta l4proto { tcp, sctp } meta nfproto ipv6 redirect to :meta l4proto . th dport map @proxied-any6",
  ];
  const local = "fib daddr type local goto publish";
  return [
    {
      name: "prerouting",
      hook: "type nat hook prerouting priority dstnat",
      rules: [respectHostFirewall === true ? `iifname @bridges ${local}` : local],
    },
    { name: "output", hook: "type nat hook output priority -100", rules: [local] },
    { name: "publish", rules: ["meta nfproto ipv6 goto publish6", ...translate("4", "ip")] },
    {
      name: "publish6",
      // Nothing leaves the host that comes from ::1: the proxy alone leads from there.
      rules: [...proxied, "ip6 daddr ::1 return", ...translate("6", "ip6")],
    },
  ];
}

/** From outside to the proxy of a range, past the host's INPUT with the port that was asked for. */
function steerChains({ respectHostFirewall }: RulesetOptions): Chain[] {
  if (respectHostFirewall !== true) return [];
  const steer = (family: "4" | "6", ip: string): string[] => [
    `meta l4proto tcp tproxy ${ip} to :${ip} daddr . meta l4proto . th dport map @proxied-at${family}`,
    `meta l4proto tcp tproxy ${ip} to :meta l4proto . th dport map @proxied-any${family}`,
  ];
  return [
    {
      name: "steer",
      hook: "type filter hook prerouting priority mangle",
      rules: [
        "iif lo return",
        "iifname @bridges return",
        "fib daddr type != local return",
        ...steer("4", "ip"),
        ...steer("6", "ip6"),
      ],
    },
  ];
}

function sourceChains(): Chain[] {
  const leave = (family: "4" | "6", ip: string): string[] => [
    // Whoever reaches a neighbour or itself by a published port must get the answers from the host, too.
    `ct status dnat ${ip} saddr . oifname @home${family} masquerade`,
    `${ip} saddr . oifname @home${family} return`,
    `snat ${ip} to ${ip} saddr map @source${family}`,
    `${ip} saddr @masquerade${family} masquerade`,
  ];
  return [
    {
      name: "postrouting",
      hook: "type nat hook postrouting priority srcnat",
      rules: ["oifname @bridges ip saddr 127.0.0.0/8 masquerade", ...leave("4", "ip"), ...leave("6", "ip6")],
    },
  ];
}

function chainsOf(options: RulesetOptions): Chain[] {
  const all = [
    ...guardChains(options),
    ...forwardChains(options),
    ...publishChains(options),
    ...steerChains(options),
    ...sourceChains(),
  ];
  // A chain must be there before a rule leads to it.
  return all.sort((a, b) => Number(a.hook !== undefined) - Number(b.hook !== undefined));
}

function setText(name: (typeof setNames)[number]): string {
  const { type, intervals, what } = sets[name];
  const kind = type.includes(":") ? "map" : "set";
  return [
    `  # ${what}`,
    `  ${kind} ${name} {`,
    `    type ${type}`,
    ...(intervals === true ? ["    flags interval"] : []),
    "  }",
  ].join("\n");
}

function chainText({ name, hook, rules }: Chain): string {
  const lines = [...(hook === undefined ? [] : [`${hook}; policy accept;`]), ...rules];
  return [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), "  }"].join("\n");
}

/** The firewall's rules, ready to be loaded and compared with what is loaded. */
export interface Ruleset {
  /** A script for nft that puts the table into the place of one that is there, in one transaction. */
  readonly script: string;
  /** The table's comment: tells this text from any other. */
  readonly comment: string;
  /** How many rules the table has. */
  readonly rules: number;
}

/** The rules for `options`. */
export function ruleset(options: RulesetOptions = {}): Ruleset {
  const chains = chainsOf(options);
  const body = [...setNames.map(setText), ...chains.map(chainText)].join("\n\n");
  const comment = `caisson ${createHash("sha256").update(body).digest("hex").slice(0, 16)}`;
  // The first line makes sure that there is a table to be deleted.
  const script = [
    `table inet ${TABLE}`,
    `delete table inet ${TABLE}`,
    `table inet ${TABLE} {`,
    `  comment "${comment}"`,
    "",
    body,
    "}",
    "",
  ].join("\n");
  return { script, comment, rules: chains.reduce((sum, { rules }) => sum + rules.length, 0) };
}
