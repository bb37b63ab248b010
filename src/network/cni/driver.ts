/**
 * Networks of CNI: everything is done by plugins that the engine executes while the container's process is held.
 * @module
 */
import type { NetworkDriver } from "../driver.ts";

const nothing = (): void => {};

/** The driver `cni`. */
export const cniDriver: NetworkDriver = {
  name: "cni",
  check: () => ({ gateway4: false, gateway6: false }),
  up: () => [],
  down: () => [],
  link: () => undefined,
  attach: nothing,
  configure: nothing,
};
