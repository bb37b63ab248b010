/**
 * Small things that both versions ask of resources.
 * @module
 */
import type { DeviceRule, Resources } from "./types.ts";

/** Whether nothing is set in it; narrows it away if undefined. */
export function isEmpty(part: object | undefined): part is undefined {
  return part === undefined || Object.values(part).every((value) => value === undefined);
}

/** A device rule as version 1 writes it: `c 1:* rwm`; without numbers and access for all devices. */
export function deviceRuleText({ type, major, minor, access }: DeviceRule): string {
  return type === "a" ? "a" : `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}

type RdmaLimits = NonNullable<Resources["rdma"]>[string];

/** A line of rdma.max, the same in both versions. */
export function rdmaLine(device: string, limits: RdmaLimits): string {
  const handles = limits.hcaHandles === undefined ? "" : ` hca_handle=${limits.hcaHandles}`;
  const objects = limits.hcaObjects === undefined ? "" : ` hca_object=${limits.hcaObjects}`;
  return `${device}${handles}${objects}`;
}
