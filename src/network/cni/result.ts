/**
 * Results of CNI plugins (CNI specification 1.0.0, section 5), as endpoints have them.
 * @module
 */
import type { Endpoint, ForeignEndpoint } from "../types.ts";

interface Result {
  readonly interfaces?: readonly {
    readonly name?: string;
    readonly mac?: string;
    readonly sandbox?: string;
  }[];
  readonly ips?: readonly {
    readonly address?: string;
    readonly gateway?: string;
    readonly interface?: number;
  }[];
  readonly routes?: readonly { readonly dst?: string; readonly gw?: string }[];
  readonly dns?: { readonly nameservers?: readonly string[] };
}

/** What a result says of the endpoint whose interface is called `name`. */
export function readCniResult(
  result: object,
  name: string,
): Pick<Endpoint, "ipv4" | "ipv6" | "mac"> & { readonly foreign: ForeignEndpoint } {
  const { interfaces = [], ips = [], routes = [], dns = {} } = result as Result;
  const own = interfaces.findIndex((one) => (one.sandbox ?? "") !== "" && one.name === name);
  const mine = ips.filter((ip) => ip.interface === undefined || ip.interface === own);
  const [four] = mine.filter(({ address = "" }) => address !== "" && !address.includes(":"));
  const [six] = mine.filter(({ address = "" }) => address.includes(":"));
  const [ipv4, prefix4] = four?.address?.split("/") ?? [];
  const [ipv6, prefix6] = six?.address?.split("/") ?? [];
  const led = routes.flatMap(({ dst, gw }) => {
    if (dst === undefined) return [];
    const via = gw ?? (dst.includes(":") ? six?.gateway : four?.gateway);
    return [{ destination: dst, ...(via === undefined ? {} : { via }) }];
  });
  const servers = dns.nameservers ?? [];
  return {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    mac: interfaces[own]?.mac ?? "",
    foreign: {
      asked: true,
      ...(prefix4 === undefined ? {} : { prefix4: Number(prefix4) }),
      ...(prefix6 === undefined ? {} : { prefix6: Number(prefix6) }),
      ...(four?.gateway === undefined ? {} : { gateway4: four.gateway }),
      ...(six?.gateway === undefined ? {} : { gateway6: six.gateway }),
      routes: led,
      ...(servers.length === 0 ? {} : { servers }),
      result: JSON.stringify(result),
    },
  };
}
