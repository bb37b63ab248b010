/**
 * Addresses from plugins (libnetwork's remote IPAM API: IpamDriver.*).
 * @module
 */
import { formatPrefix, parseCidr } from "../ipam/addresses.ts";
import { failure, messageOf } from "../../errors/mod.ts";
import type { IpamConfigBody } from "../ipam/config.ts";
import type { IpamPool } from "../types.ts";
import type { Plugin } from "../../plugins/mod.ts";
import { splitAddress } from "./network-calls.ts";

const GATEWAY = "com.docker.network.gateway";
const REQUEST_TYPE = "RequestAddressType";
const MAC = "com.docker.network.endpoint.macaddress";

type Texts = Readonly<Record<string, string>>;

/** What a network asks a plugin of addresses for. */
export interface PoolRequest {
  readonly options: Texts;
  /** At least one for each family that has any; an empty one: the plugin chooses. */
  readonly configs: readonly (IpamConfigBody & { readonly isIPv6: boolean })[];
}

/** An address that a plugin gave. */
export interface GivenAddress {
  readonly address: string;
  /** Bits of its subnet. */
  readonly length: number;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Whether the plugin wants to know the MAC addresses for which it gives out addresses (DHCP). */
export async function wantsMac(plugin: Plugin): Promise<boolean> {
  const answer = await plugin.tryCall("IpamDriver.GetCapabilities", {});
  return answer?.["RequiresMACAddress"] === true;
}

/** Takes pools with their gateways; all of them, or an error and none. */
export async function requestPools(plugin: Plugin, request: PoolRequest): Promise<IpamPool[]> {
  const spaces = await plugin.call("IpamDriver.GetDefaultAddressSpaces", {});
  const space = textOf(spaces["LocalDefaultAddressSpace"]);
  const pools: IpamPool[] = [];
  try {
    for (const config of request.configs)
      pools.push(await requestPool(plugin, space, config, request.options));
    return pools;
  } catch (error) {
    await releasePools(plugin, pools).catch(() => undefined);
    throw error;
  }
}

async function requestPool(
  plugin: Plugin,
  space: string,
  config: PoolRequest["configs"][number],
  options: Texts,
): Promise<IpamPool> {
  const answer = await plugin.call("IpamDriver.RequestPool", {
    AddressSpace: space,
    Pool: config.Subnet ?? "",
    SubPool: config.IPRange ?? "",
    Options: options,
    V6: config.isIPv6,
  });
  const poolId = textOf(answer["PoolID"]);
  const found = parseCidr(textOf(answer["Pool"]));
  const pool: IpamPool = {
    subnet: found === undefined ? "" : formatPrefix(found.prefix),
    ...(config.IPRange === undefined || config.IPRange === "" ? {} : { ipRange: config.IPRange }),
    poolId,
  };
  try {
    if (found === undefined) {
      throw failure("internal", { message: `invalid pool ${textOf(answer["Pool"])} from the plugin` });
    }
    const data = (answer["Data"] ?? {}) as Texts;
    const gateway =
      data[GATEWAY] === undefined
        ? (await requestAddress(plugin, pool, config.Gateway ?? "", { ...options, [REQUEST_TYPE]: GATEWAY }))
            .address
        : splitAddress(data[GATEWAY])[0];
    const auxiliary: Record<string, string> = {};
    for (const [name, address] of Object.entries(config.AuxiliaryAddresses ?? {})) {
      auxiliary[name] = (await requestAddress(plugin, pool, address, options)).address;
    }
    return {
      ...pool,
      ...(gateway === undefined ? {} : { gateway }),
      ...(Object.keys(auxiliary).length === 0 ? {} : { auxiliary }),
    };
  } catch (error) {
    await releasePools(plugin, [pool]).catch(() => undefined);
    throw error;
  }
}

/** Gives pools back, with whatever is still taken of them. */
export async function releasePools(plugin: Plugin, pools: readonly IpamPool[]): Promise<void> {
  for (const { poolId, gateway, auxiliary } of pools) {
    for (const address of [gateway ?? [], Object.values(auxiliary ?? {})].flat()) {
      // Of a pool that the plugin forgets, an address that it forgot before is no loss.
      await releaseAddress(plugin, poolId ?? "", address).catch(() => undefined);
    }
    await plugin.call("IpamDriver.ReleasePool", { PoolID: poolId ?? "" });
  }
}

/** Takes an address of a pool: `wanted`, or with an empty one any. */
export async function requestAddress(
  plugin: Plugin,
  { poolId, subnet }: IpamPool,
  wanted: string,
  options: Texts,
): Promise<GivenAddress> {
  const answer = await plugin.call("IpamDriver.RequestAddress", {
    PoolID: poolId ?? "",
    Address: wanted,
    Options: options,
  });
  const text = textOf(answer["Address"]);
  if (parseCidr(text) === undefined) {
    throw failure("internal", { message: `invalid address ${text} from the plugin for pool ${subnet}` });
  }
  const [address = "", length = 0] = splitAddress(text);
  return { address, length };
}

/** Options of a request for an endpoint's address. */
export function endpointOptions(options: Texts, mac: string | undefined): Texts {
  return mac === undefined ? options : { ...options, [MAC]: mac };
}

/** Gives an address back. */
export async function releaseAddress(plugin: Plugin, poolId: string, address: string): Promise<void> {
  await plugin.call("IpamDriver.ReleaseAddress", { PoolID: poolId, Address: address });
}

/** Takes an address of the first pool of the family that has one; undefined: it has no such pool. */
export async function requestFrom(
  plugin: Plugin,
  pools: readonly IpamPool[],
  wanted: string,
  options: Texts,
): Promise<(GivenAddress & { readonly pool: IpamPool }) | undefined> {
  let last: unknown;
  for (const pool of pools) {
    try {
      return { pool, ...(await requestAddress(plugin, pool, wanted, options)) };
    } catch (error) {
      last = error;
    }
  }
  if (last === undefined) return undefined;
  throw failure("internal", { message: messageOf(last) }, last);
}
