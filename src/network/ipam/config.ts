/**
 * The subnets that a user asks for: read, checked, and completed with a gateway.
 * @module
 */
import { failure, messageOf } from "../../errors/mod.ts";
import { throwJoined } from "../joined-errors.ts";
import type { IpamPool } from "../types.ts";
import {
  containsAddress,
  containsPrefix,
  formatAddress,
  formatPrefix,
  isMapped,
  parseAddress,
  parseCidr,
  type Address,
  type Prefix,
} from "./addresses.ts";
import { AddressPool } from "./allocate.ts";

/** Docker's IPAMConfig: a subnet and what is where in it. */
export interface IpamConfigBody {
  readonly Subnet?: string;
  readonly IPRange?: string;
  readonly Gateway?: string;
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | null;
}

/** A subnet that was asked for, read. */
export interface AskedPool {
  readonly subnet: Prefix;
  readonly range?: Prefix;
  readonly gateway?: Address;
  readonly auxiliary: ReadonlyMap<string, Address>;
}

/**
 * Reads all subnets of a request.
 * @throws invalid-parameter with everything that is wrong, in Docker's words
 */
export function readIpamConfig(configs: readonly IpamConfigBody[]): readonly AskedPool[] {
  const errors: string[] = [];
  const pools = configs.flatMap((config) => readPool(config, errors) ?? []);
  throwJoined("invalid network config", errors);
  return pools;
}

function readPool(config: IpamConfigBody, errors: string[]): AskedPool | undefined {
  const { Subnet = "", IPRange = "", Gateway = "", AuxiliaryAddresses } = config;
  const found = parseCidr(Subnet);
  if (found === undefined || isMapped(found.address)) {
    errors.push(`invalid subnet ${Subnet}: invalid CIDR block notation`);
    return undefined;
  }
  const subnet = found.prefix;
  if (found.address.value !== subnet.base) {
    errors.push(`invalid subnet ${Subnet}: it should be ${formatPrefix(subnet)}`);
  }
  const range = IPRange === "" ? undefined : readRange(IPRange, subnet, Subnet, errors);
  const gateway = Gateway === "" ? undefined : readMember(`gateway ${Gateway}`, Gateway, subnet, errors);
  const auxiliary = new Map<string, Address>();
  for (const [name, text] of Object.entries(AuxiliaryAddresses ?? {})) {
    const address = readMember(`auxiliary address ${name}`, text, subnet, errors);
    if (address !== undefined) auxiliary.set(name, address);
  }
  return {
    subnet,
    ...(range === undefined ? {} : { range }),
    ...(gateway === undefined ? {} : { gateway }),
    auxiliary,
  };
}

function readRange(text: string, subnet: Prefix, subnetText: string, errors: string[]): Prefix | undefined {
  const wrong = (why: string): undefined => void errors.push(`invalid ip-range ${text}: ${why}`);
  const found = parseCidr(text);
  if (found === undefined) return wrong("invalid CIDR block notation");
  const { address, prefix } = found;
  if (prefix.family !== subnet.family) return wrong(`parent subnet is an IPv${subnet.family} block`);
  if (prefix.length < subnet.length) {
    wrong(`CIDR block is bigger than its parent subnet ${subnetText}`);
  }
  if (address.value !== prefix.base) wrong(`it should be ${formatPrefix(prefix)}`);
  if (prefix.length >= subnet.length && !containsPrefix(subnet, prefix)) {
    wrong(`parent subnet ${subnetText} doesn't contain ip-range`);
  }
  return prefix;
}

function readMember(what: string, text: string, subnet: Prefix, errors: string[]): Address | undefined {
  const wrong = (why: string): undefined => void errors.push(`invalid ${what}: ${why}`);
  const address = parseAddress(text);
  if (address === undefined) return wrong("invalid address");
  if (address.family !== subnet.family) return wrong(`parent subnet is an IPv${subnet.family} block`);
  if (!containsAddress(subnet, address)) {
    return wrong(`parent subnet ${formatPrefix(subnet)} doesn't contain this address`);
  }
  return address;
}

/**
 * Settles a subnet: takes its gateway, the first address of its range if none was asked for, and its auxiliary addresses.
 * @param gatewayWanted whether it needs a gateway of which nothing was said
 * @throws internal in Docker's words when an address is taken twice or there is none
 */
export function settlePool(asked: AskedPool, gatewayWanted: boolean): IpamPool {
  const { subnet, range, auxiliary } = asked;
  const pool = new AddressPool(subnet, range);
  const gateway = settleGateway(pool, asked.gateway, gatewayWanted);
  for (const [name, address] of auxiliary) {
    const text = formatAddress(address);
    attempt(`failed to allocate secondary ip address (${name}:${text})`, () => pool.take(address));
  }
  return {
    ...askedPool(asked),
    ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
    ...(gateway === undefined || asked.gateway !== undefined ? {} : { gatewayChosen: true }),
  };
}

function settleGateway(pool: AddressPool, asked: Address | undefined, wanted: boolean): Address | undefined {
  if (asked !== undefined) {
    attempt(`failed to allocate gateway (${formatAddress(asked)})`, () => pool.take(asked));
    return asked;
  }
  if (!wanted) return undefined;
  const address = pool.allocate();
  if (address !== undefined) return address;
  throw failure("invalid-parameter", {
    message: "failed to allocate gateway (): no available addresses on this pool",
  });
}

/** A subnet as it was asked for, in canonical texts: what a configuration-only network keeps. */
export function askedPool({ subnet, range, gateway, auxiliary }: AskedPool): IpamPool {
  return {
    subnet: formatPrefix(subnet),
    ...(range === undefined ? {} : { ipRange: formatPrefix(range) }),
    ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
    ...(auxiliary.size === 0
      ? {}
      : { auxiliary: Object.fromEntries([...auxiliary].map(([name, a]) => [name, formatAddress(a)])) }),
  };
}

/** What was asked for, of a pool that {@link askedPool} made. */
export function configOf({ subnet, ipRange, gateway, auxiliary }: IpamPool): IpamConfigBody {
  return {
    Subnet: subnet,
    ...(ipRange === undefined ? {} : { IPRange: ipRange }),
    ...(gateway === undefined ? {} : { Gateway: gateway }),
    ...(auxiliary === undefined ? {} : { AuxiliaryAddresses: auxiliary }),
  };
}

function attempt(doing: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw failure("invalid-parameter", { message: `${doing}: ${messageOf(error)}` }, error);
  }
}
