/**
 * Specifications of the Container Device Interface: files that say what a container needs to use a vendor's device
 * (https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md, version 1.1.0).
 * @module
 */
import { join } from "node:path";
import { parse } from "yaml";
import { failure, isFailure, messageOf } from "../../errors/mod.ts";
import type { HostPaths } from "../host-paths.ts";

/** A file that a container sees as a device. */
export interface CdiDeviceNode {
  readonly path: string;
  /** Where it is on the host, if it isn't the same. */
  readonly hostPath?: string;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  /** What the container may do with it: `rw`; undefined: all. */
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** A mount as config.json has it. */
export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string;
  readonly options?: readonly string[];
}

/** What a device changes of a container. */
export interface CdiEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly CdiDeviceNode[];
  readonly mounts?: readonly CdiMount[];
  readonly hooks?: readonly { readonly hookName?: string; readonly path?: string }[];
  readonly additionalGids?: readonly number[];
  readonly intelRdt?: object;
  readonly netDevices?: readonly object[];
}

/** A file: devices of one kind. */
export interface CdiSpec {
  /** `vendor.com/class` */
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly containerEdits: CdiEdits }[];
  /** Of whoever has one of the devices. */
  readonly containerEdits: CdiEdits;
  readonly path: string;
}

const versions = /^(0\.[3-8]\.\d|1\.[01]\.\d)$/;
const kindForm = /^[a-zA-Z][a-zA-Z0-9_.-]*\/[a-zA-Z][a-zA-Z0-9_-]*$/;
const nameForm = /^[a-zA-Z0-9]([a-zA-Z0-9_.:-]*[a-zA-Z0-9])?$/;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function wrong(message: string): never {
  throw failure("invalid-parameter", { message });
}

/** What a field of edits holds; each is a list of that. */
const checks: Readonly<Record<string, (item: unknown) => boolean>> = {
  env: (item) => typeof item === "string" && item.includes("="),
  additionalGids: (item) => Number.isInteger(item),
  hooks: isObject,
  netDevices: isObject,
  deviceNodes: (item) => isObject(item) && isPath(item["path"]) && isOptional(item["hostPath"], isPath),
  mounts: (item) => isObject(item) && isPath(item["hostPath"]) && isPath(item["containerPath"]),
};

const isPath = (value: unknown): boolean => typeof value === "string" && value.startsWith("/");
const isOptional = (value: unknown, check: (value: unknown) => boolean): boolean =>
  value === undefined || value === null || check(value);

function readEdits(value: unknown): CdiEdits {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) wrong("containerEdits must be an object");
  for (const [field, check] of Object.entries(checks)) {
    const list = value[field];
    if (list === undefined || list === null) continue;
    if (!Array.isArray(list) || !list.every(check)) wrong(`${field} of containerEdits is not valid`);
  }
  return value as CdiEdits;
}

/** Reads one file, JSON or YAML. Throws what is wrong with it. */
export function parseSpec(text: string, path: string): CdiSpec {
  const value: unknown = parse(text);
  if (!isObject(value)) wrong("it is no object");
  const { cdiVersion: version, kind, devices, containerEdits } = value;
  if (typeof version !== "string" || !versions.test(version)) wrong(`unknown cdiVersion ${String(version)}`);
  if (typeof kind !== "string" || !kindForm.test(kind)) wrong(`invalid kind ${JSON.stringify(kind)}`);
  if (!Array.isArray(devices) || devices.length === 0) wrong("it has no devices");
  const names = new Set<string>();
  const read = devices.map((device: unknown) => {
    if (!isObject(device)) wrong("a device must be an object");
    const { name } = device;
    if (typeof name !== "string" || !nameForm.test(name))
      wrong(`invalid device name ${JSON.stringify(name)}`);
    if (names.has(name)) wrong(`device ${name} is there twice`);
    names.add(name);
    return { name, containerEdits: readEdits(device["containerEdits"]) };
  });
  return { kind, devices: read, containerEdits: readEdits(containerEdits), path };
}

/** A device with what it changes: its own edits, and those of all devices of its file. */
export interface CdiDevice {
  readonly edits: CdiEdits;
  readonly spec: CdiSpec;
}

/** What the folders hold. */
export interface CdiRegistry {
  /** By qualified name: `vendor.com/class=name`. */
  readonly devices: ReadonlyMap<string, CdiDevice>;
  /** Files that could not be read, and devices that are there twice. */
  readonly problems: readonly string[];
}

/**
 * Reads all files. A device of a later folder takes the place of one of an earlier; of two in one folder there is
 * neither, since nobody can say which was meant. Throws `executor-lost` when a file system doesn't answer.
 */
export async function readCdiFolders(
  folders: readonly string[],
  hostPaths: Pick<HostPaths, "names" | "read">,
): Promise<CdiRegistry> {
  const devices = new Map<string, CdiDevice>();
  const problems: string[] = [];
  const found = await hostPaths.names(folders);
  for (const folder of folders) {
    const names = (found.get(folder) ?? []).filter((name) => /\.(json|yaml)$/.test(name));
    const here = new Map<string, CdiDevice>();
    const twice = new Set<string>();
    for (const path of names.toSorted().map((name) => join(folder, name))) {
      try {
        const spec = parseSpec(Buffer.from(await hostPaths.read(path)).toString("utf8"), path);
        for (const { name, containerEdits } of spec.devices) {
          const qualified = `${spec.kind}=${name}`;
          const other = here.get(qualified);
          if (other !== undefined) {
            twice.add(qualified);
            problems.push(`conflicting device "${qualified}" (specs "${other.spec.path}", "${path}")`);
          }
          here.set(qualified, { edits: containerEdits, spec });
        }
      } catch (error) {
        if (isFailure(error, "executor-lost")) throw error;
        problems.push(`failed to load CDI Spec ${path}: ${messageOf(error)}`);
      }
    }
    for (const [name, device] of here) {
      if (twice.has(name)) devices.delete(name);
      else devices.set(name, device);
    }
  }
  return { devices, problems };
}
