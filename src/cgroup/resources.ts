/**
 * Small questions about resources.
 * @module
 */
import type { DeviceRule } from "./types.ts";

/** Whether nothing is set in it; narrows it away if undefined. */
export function isEmpty(part: object | undefined): part is undefined {
  return part === undefined || Object.values(part).every((value) => value === undefined);
}

/** A device rule as version 1 writes it: `c 1:* rwm`; without numbers and access for all devices. */
export function deviceRuleText({ type, major, minor, access }: DeviceRule): string {
  return type === "a" ? "a" : `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}
