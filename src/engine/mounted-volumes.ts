/**
 * What must be known of volumes anew at each start: where plugins have theirs, and the addresses of file servers.
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { failure, messageOf } from "../errors/mod.ts";
import type { ContainerRecord, MountPoint, VolumeBacking } from "./container.ts";
import type { SharedNamespaces } from "./shared-volumes.ts";
import type { Services } from "./services.ts";

/** Finds the address of a name. */
export type FindAddress = (name: string) => Promise<string>;

const findAddress: FindAddress = async (name) => (await lookup(name)).address;

/**
 * The container's mounts with the sources that they have now. Plugins count it as a user of its volumes from here on,
 * until `volumes.uses.end`.
 * @param namespaces of volumes that containers share, by name
 */
export async function mountsAtStart(
  { volumes }: Services,
  { id, mounts }: ContainerRecord,
  namespaces: SharedNamespaces["paths"],
): Promise<MountPoint[]> {
  const result: MountPoint[] = [];
  for (const mount of mounts) {
    const { type, driver = "local", name = "", backing } = mount;
    if (type === "volume" && driver !== "local") {
      result.push({ ...mount, source: await volumes.uses.begin(id, driver, name) });
    } else if (namespaces.has(name)) {
      result.push({ ...mount, namespace: namespaces.get(name) ?? "" });
    } else if (backing !== undefined) {
      result.push({ ...mount, backing: await withAddress(backing, findAddress) });
    } else result.push(mount);
  }
  return result;
}

/** The kernel mounts from addresses alone: names of file servers are looked up, in `addr=` and in a CIFS device. */
export async function withAddress(backing: VolumeBacking, find: FindAddress): Promise<VolumeBacking> {
  const { type, device, options } = backing;
  if (type !== "nfs" && type !== "cifs") return backing;
  const resolve = async (name: string): Promise<string> => {
    if (isIP(name) !== 0) return name;
    try {
      return await find(name);
    } catch (error) {
      const message = `error resolving passed in network volume address: ${messageOf(error)}`;
      throw failure("invalid-parameter", { message }, error);
    }
  };
  const given = options.find((option) => option.startsWith("addr="));
  if (given !== undefined) {
    const address = await resolve(given.slice("addr=".length));
    return { ...backing, options: options.map((option) => (option === given ? `addr=${address}` : option)) };
  }
  const [, server = "", rest = ""] = /^\/\/([^/]+)(.*)$/.exec(device) ?? [];
  if (type !== "cifs" || server === "") return backing;
  const address = await resolve(server);
  return { ...backing, device: `//${address}${rest}`, options: [...options, `ip=${address}`] };
}
