/**
 * The networks that every engine has: `none`, `host`, and `bridge`, as the daemon's options want it.
 * @module
 */
import { randomBytes } from "node:crypto";
import { draftDefaultBridge, formatPrefix, parseCidr, type NetworkRecord } from "../network/mod.ts";
import type { StateDatabase } from "./database.ts";
import type { NetworkContext } from "./network-context.ts";
import { formatTime, now } from "./time.ts";

/** Ids are random, and stay. Databases of earlier versions have some in their settings. */
function identity(
  database: StateDatabase,
  known: NetworkRecord | undefined,
  name: string,
): Pick<NetworkRecord, "id" | "created"> {
  if (known !== undefined) return known;
  const [id = randomBytes(32).toString("hex"), created = formatTime(now())] =
    database.setting(`network.${name}`)?.split(" ") ?? [];
  return { id, created };
}

const plain = {
  enableIPv4: true,
  enableIPv6: false,
  internal: false,
  attachable: false,
  ingress: false,
  configOnly: false,
  configFrom: "",
  ipam: { driver: "default", options: null, pools: [] },
  options: {},
  labels: {},
};

/** Writes down the predefined networks, where they are missing or the options have changed. */
export async function ensurePredefined(networks: NetworkContext, database: StateDatabase): Promise<void> {
  const { store, options } = networks;
  for (const [name, driver] of [
    ["none", "null"],
    ["host", "host"],
  ] as const) {
    if (store.byName(name) === undefined) {
      store.put({ ...identity(database, undefined, name), name, driver, ...plain });
    }
  }
  const known = store.byName("bridge");
  if (options.bridge === "none") {
    if (known === undefined || store.countOn(known.id) > 0) return;
    store.delete(known);
    store.forget(known);
    return;
  }
  // Its containers keep what they have; the next start of the engine without any takes the new options.
  if (known !== undefined && store.countOn(known.id) > 0) return;
  const { host, pools } = await networks.surroundings();
  const device = await networks.host.addressesOf(options.bridge ?? "docker0");
  const wanted = draftDefaultBridge(options, {
    ...identity(database, known, "bridge"),
    existing: store.all().filter(({ name }) => name !== "bridge"),
    // What the bridge itself has is no obstacle to it.
    host: host.filter((prefix) => !device.some((own) => subnetOf(own) === prefix)),
    pools,
    device: device.length > 0 ? device : addressesOf(known),
  });
  if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(known)) return;
  // What it had by the old options (another address) goes.
  if (known !== undefined) await networks.host.down(known);
  store.put(wanted);
}

/** The bridge's addresses with their prefixes, as its network has them. */
function addressesOf(network: NetworkRecord | undefined): string[] {
  return (network?.ipam.pools ?? []).flatMap(({ subnet, gateway }) =>
    gateway === undefined ? [] : [`${gateway}/${subnet.split("/")[1]}`],
  );
}

function subnetOf(text: string): string | undefined {
  const found = parseCidr(text);
  return found === undefined ? undefined : formatPrefix(found.prefix);
}
