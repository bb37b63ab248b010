/**
 * The options of macvlan and ipvlan networks, read and checked as Docker does. Others are accepted, as there.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { IpvlanFlag, IpvlanMode, MacvlanMode } from "../../kernel/netlink/mod.ts";
import type { NetworkRecord } from "../types.ts";

const macvlanModes: ReadonlySet<string> = new Set(["bridge", "private", "vepa", "passthru"]);
const ipvlanModes: ReadonlySet<string> = new Set(["l2", "l3", "l3s"]);
const ipvlanFlags: ReadonlySet<string> = new Set(["bridge", "private", "vepa"]);

export interface LanOptions {
  /** The host's link; undefined: none was named, and the network is internal on a dummy of its own. */
  readonly parent: string | undefined;
}

export interface MacvlanOptions extends LanOptions {
  readonly mode: MacvlanMode;
}

export interface IpvlanOptions extends LanOptions {
  readonly mode: IpvlanMode;
  readonly flag: IpvlanFlag;
}

function refused(message: string): Error {
  return failure("invalid-parameter", { message });
}

function readParent({ options, driver }: NetworkRecord): string | undefined {
  const parent = options["parent"] ?? "";
  if (parent === "lo") throw refused(`loopback interface is not a valid ${driver} parent link`);
  return parent === "" ? undefined : parent;
}

/**
 * A macvlan network's options.
 * @throws internal with Docker's texts
 */
export function readMacvlanOptions(network: NetworkRecord): MacvlanOptions {
  const mode = network.options["macvlan_mode"] || "bridge";
  if (!macvlanModes.has(mode)) {
    throw refused(
      `requested macvlan mode '${mode}' is not valid, 'bridge' mode is the macvlan driver default`,
    );
  }
  return { mode: mode as MacvlanMode, parent: readParent(network) };
}

/**
 * An ipvlan network's options.
 * @throws internal with Docker's texts
 */
export function readIpvlanOptions(network: NetworkRecord): IpvlanOptions {
  const mode = network.options["ipvlan_mode"] || "l2";
  const flag = network.options["ipvlan_flag"] || "bridge";
  if (!ipvlanModes.has(mode)) {
    throw refused(`requested ipvlan mode '${mode}' is not valid, 'l2' mode is the ipvlan driver default`);
  }
  if (!ipvlanFlags.has(flag)) {
    throw refused(`requested ipvlan flag '${flag}' is not valid, 'bridge' is the ipvlan driver default`);
  }
  return { mode: mode as IpvlanMode, flag: flag as IpvlanFlag, parent: readParent(network) };
}

/** Whether containers reach anything beyond the network. */
export function reachesOut(network: NetworkRecord, { parent }: LanOptions): boolean {
  return !network.internal && parent !== undefined;
}
