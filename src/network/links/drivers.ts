/**
 * The network drivers by name.
 * @module
 */
import { cniDriver } from "../cni/driver.ts";
import type { GatewayNeeds, NetworkDriver } from "../driver.ts";
import type { NetworkRecord } from "../types.ts";
import { bridgeDriver } from "./bridge.ts";
import { readBridgeOptions } from "./bridge-options.ts";
import { ipvlanDriver } from "./ipvlan.ts";
import { macvlanDriver } from "./macvlan.ts";
import { pluginDriver } from "../plugins/driver.ts";

/** `host` and `none`: there is nothing to make. */
function idleDriver(name: string): NetworkDriver {
  const nothing = (): void => {};
  return {
    name,
    check: () => ({ gateway4: false, gateway6: false }),
    up: () => [],
    down: () => [],
    link: () => undefined,
    attach: nothing,
    configure: nothing,
  };
}

const drivers: ReadonlyMap<string, NetworkDriver> = new Map(
  [bridgeDriver, macvlanDriver, ipvlanDriver, cniDriver, idleDriver("host"), idleDriver("null")].map(
    (driver) => [driver.name, driver],
  ),
);

/** Drivers of which users may make networks; beside them there are plugins. */
export const userDrivers: ReadonlySet<string> = new Set(["bridge", "macvlan", "ipvlan", "cni"]);

/** The driver of a network; one that isn't built in is a plugin's. */
export function driverOf({ driver }: Pick<NetworkRecord, "driver">): NetworkDriver {
  return drivers.get(driver) ?? pluginDriver(driver);
}

/** Whether somebody else makes the network's endpoints: a plugin, or CNI. */
export function isForeign({ driver }: Pick<NetworkRecord, "driver">): boolean {
  return driver === "cni" || !drivers.has(driver);
}

/**
 * Checks the options of a network that is to be made.
 * @throws invalid-parameter, forbidden, internal with Docker's texts
 */
export function readDriverOptions(
  network: NetworkRecord,
  others: readonly NetworkRecord[] = [],
): GatewayNeeds {
  return driverOf(network).check(network, others);
}

/** What the names of containers' interfaces on the network begin with. */
export function interfacePrefix(network: NetworkRecord): string {
  return network.driver === "bridge" ? readBridgeOptions(network).interfacePrefix : "eth";
}
