/**
 * `--subnet`, `--ip-range`, `--gateway` and `--aux-address`, each put to the subnet that it lies in.
 * @module
 */
import type { BlockList } from "node:net";
import { ipFamily } from "../container/ip-family.ts";
import { commandFailed } from "../failure-text.ts";

/** One subnet and what belongs to it: Docker's IPAMConfig. */
export interface SubnetBody {
  readonly Subnet: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

/** What the flags say. */
export interface SubnetFlags {
  readonly subnets: readonly string[];
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
  readonly auxiliary: Readonly<Record<string, string>>;
}

/**
 * The subnets in the order they were given.
 * @throws command-failed with docker's text when something lies in none of them or in one that has it already
 */
export function subnetBodies({ subnets, ranges, gateways, auxiliary }: SubnetFlags): readonly SubnetBody[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw commandFailed("every ip-range or gateway must have a corresponding subnet");
  }
  const bodies: SubnetBody[] = [];
  for (const Subnet of subnets) {
    if (bodies.some((other) => holds(Subnet, other.Subnet) || holds(other.Subnet, Subnet))) {
      throw commandFailed("multiple overlapping subnet configuration is not supported");
    }
    bodies.push({ Subnet });
  }
  for (const range of ranges) {
    const body = bodyOf(bodies, `range ${range}`, (subnet) => holdsCidr(subnet, range));
    if (body.IPRange !== undefined) {
      const both = `(${range}, ${body.IPRange})`;
      throw commandFailed(`cannot configure multiple ranges ${both} on the same subnet (${body.Subnet})`);
    }
    body.IPRange = range;
  }
  for (const gateway of gateways) {
    const body = bodyOf(bodies, `gateway ${gateway}`, (subnet) => holds(subnet, gateway));
    if (body.Gateway !== undefined) {
      const both = `(${gateway}, ${body.Gateway})`;
      throw commandFailed(`cannot configure multiple gateways ${both} for the same subnet (${body.Subnet})`);
    }
    body.Gateway = gateway;
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    const body = bodyOf(bodies, `aux-address ${address}`, (subnet) => holds(subnet, address));
    body.AuxiliaryAddresses = { ...body.AuxiliaryAddresses, [name]: address };
  }
  return bodies;
}

function bodyOf(bodies: SubnetBody[], what: string, test: (subnet: string) => boolean): SubnetBody {
  const body = bodies.find(({ Subnet }) => test(Subnet));
  if (body === undefined) throw commandFailed(`no matching subnet for ${what}`);
  return body;
}

/** Whether an address, or the address before the slash, lies in the subnet. */
function holds(subnet: string, text: string): boolean {
  return text.includes("/") ? holdsCidr(subnet, text) : check(subnet, text);
}

function holdsCidr(subnet: string, cidr: string): boolean {
  const block = blockOf(subnet);
  const { address } = parse(cidr, "");
  return contains(block, address);
}

function check(subnet: string, address: string): boolean {
  const block = blockOf(subnet);
  return ipFamily(address) !== 0 && contains(block, address);
}

function contains(block: BlockList, address: string): boolean {
  return block.check(address, ipFamily(address) === 6 ? "ipv6" : "ipv4");
}

function blockOf(subnet: string): BlockList {
  const { address, length } = parse(subnet, "invalid subnet: ");
  const block = new (process.getBuiltinModule("node:net").BlockList)();
  block.addSubnet(address, length, ipFamily(address) === 6 ? "ipv6" : "ipv4");
  return block;
}

function parse(cidr: string, doing: string): { address: string; length: number } {
  const [address = "", digits = "", ...more] = cidr.split("/");
  const family = ipFamily(address);
  const length = Number(digits);
  if (family !== 0 && more.length === 0 && /^\d+$/.test(digits) && length <= (family === 6 ? 128 : 32)) {
    return { address, length };
  }
  throw commandFailed(`${doing}invalid CIDR address: ${cidr}`);
}
