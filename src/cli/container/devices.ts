/**
 * Devices and limits in flags: `--device`, block I/O weights and rates, `--ulimit`, device cgroup rules, `--gpus`.
 * @module
 */
import type { DeviceMapping, DeviceRequest, ResourcesUlimitsInner } from "@docker/node-sdk";
import { failure } from "../../errors/mod.ts";
import { path } from "../builtins.ts";
import { csvFields } from "../csv.ts";
import { commandFailed } from "../failure-text.ts";
import { parseBytes } from "../flag-values.ts";
import { cut, toMap } from "../key-values.ts";

/** A CDI name, `vendor.com/class=device`, is requested from a driver instead of being mapped. */
const cdiName = /^[a-zA-Z][\w.-]*\/[a-zA-Z][\w-]*=[\w.:-]+$/;

/** Whether `device` names a device of the Container Device Interface. */
export function isCdiDevice(device: string): boolean {
  return cdiName.test(device);
}

/** Reads `host[:container][:rwm]`. @throws command-failed with docker's text */
export function parseDevice(device: string): DeviceMapping {
  const parts = device.split(":");
  const [source = "", second, third] = parts;
  if (parts.length > 3 || source === "") throw commandFailed(`bad format for path: ${device}`);
  if (third !== undefined && !isDeviceMode(third)) throw commandFailed(`bad mode specified: ${third}`);
  const secondIsMode = third === undefined && second !== undefined && isDeviceMode(second);
  const target = second === undefined || secondIsMode ? source : second;
  if (!target.startsWith("/")) throw commandFailed(`${target} is not an absolute path`);
  return {
    PathOnHost: second === undefined || secondIsMode ? path().posix.normalize(source) : source,
    PathInContainer: third === undefined ? path().posix.normalize(target) : target,
    CgroupPermissions: third ?? (secondIsMode ? second : "rwm"),
  };
}

function isDeviceMode(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}

/** Takes a rule such as `c 1:3 mr`. @throws usage with docker's text */
export function takeDeviceRule(value: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(value)) {
    throw wrong(`invalid device cgroup format '${value}'`);
  }
  return value;
}

/** A block device and how much of it. */
export interface DeviceRate {
  readonly Path: string;
  readonly Rate: number;
}

function devicePath(value: string): readonly [string, string] {
  const [device, rest] = cut(value, ":");
  if (!value.includes(":") || device === "") throw wrong(`bad format: ${value}`);
  if (!device.startsWith("/dev/")) throw wrong(`bad format for device path: ${value}`);
  return [device, rest];
}

/** Reads `/dev/sda:1mb`. @throws usage with docker's text */
export function parseRate(value: string): DeviceRate {
  const [device, rest] = devicePath(value);
  try {
    return { Path: device, Rate: parseBytes(rest) };
  } catch (error) {
    throw wrong(
      `invalid rate for device: ${value}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
      error,
    );
  }
}

/** Reads `/dev/sda:1000`. @throws usage with docker's text */
export function parseOperations(value: string): DeviceRate {
  const [device, rest] = devicePath(value);
  if (!/^\d+$/.test(rest)) {
    throw wrong(
      `invalid rate for device: ${value}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  }
  return { Path: device, Rate: Number(rest) };
}

/** Reads `/dev/sda:100`. @throws usage with docker's text */
export function parseWeight(value: string): { readonly Path: string; readonly Weight: number } {
  const [device, rest] = devicePath(value);
  const weight = Number(rest);
  if (!/^\d+$/.test(rest) || weight > 1000 || (weight > 0 && weight < 10)) {
    throw wrong(`invalid weight for device: ${value}`);
  }
  return { Path: device, Weight: weight };
}

const ulimits: ReadonlySet<string> = new Set([
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
]);

/** Reads `nofile=1024[:2048]`. @throws usage with docker's text */
export function parseUlimit(value: string): ResourcesUlimitsInner & { readonly Name: string } {
  const [name, limits] = cut(value, "=");
  if (!value.includes("=")) throw wrong(`invalid ulimit argument: ${value}`);
  if (!ulimits.has(name)) throw wrong(`invalid ulimit type: ${name}`);
  const parts = limits.split(":");
  if (parts.length > 2) {
    throw wrong(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  const [soft = -1, hard = soft] = parts.map((part) => {
    if (!/^-?\d+$/.test(part))
      throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(part)}: invalid syntax`);
    return Number(part);
  });
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw wrong(
      soft === -1
        ? `ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${hard}`
        : `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
    );
  }
  return { Name: name, Hard: hard, Soft: soft };
}

/** Reads `all`, a count, or `device=…,capabilities=…`. @throws usage with docker's text */
export function parseGpus(value: string): DeviceRequest {
  const request: Record<string, unknown> = { Driver: "" };
  const seen = new Set<string>();
  for (const field of csvFields(value)) {
    const [key, val] = cut(field, "=");
    if (seen.has(key)) throw wrong(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (!field.includes("=")) {
      seen.add("count");
      request["Count"] = gpuCount(key);
    } else if (key === "driver") request["Driver"] = val;
    else if (key === "count") request["Count"] = gpuCount(val);
    else if (key === "device") request["DeviceIDs"] = val.split(",");
    else if (key === "capabilities") request["Capabilities"] = [[...val.split(","), "gpu"]];
    else if (key === "options") request["Options"] = toMap(csvFields(val));
    else throw wrong(`unexpected key '${key}' in '${field}'`);
  }
  return {
    Driver: "",
    Count: seen.has("count") || request["DeviceIDs"] !== undefined ? 0 : 1,
    DeviceIDs: null as unknown as string[],
    Capabilities: [["gpu"]],
    Options: {},
    ...request,
  };
}

function gpuCount(text: string): number {
  if (text === "all") return -1;
  if (!/^[+-]?\d+$/.test(text)) {
    throw wrong(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
  }
  return Number(text);
}

function wrong(message: string, cause?: unknown): Error {
  return failure("usage", { message }, cause);
}
