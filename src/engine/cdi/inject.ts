/**
 * Devices of the Container Device Interface in a container's config.json.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Spec, SpecDevice, SpecMount } from "../../runtime/mod.ts";
import type { DeviceRule } from "../../cgroup/mod.ts";
import { hostDevice, type HostDevice } from "../host-devices.ts";
import type { CdiDeviceNode, CdiEdits, CdiRegistry } from "./specs.ts";

/** A container with the devices that it asked for. */
export interface Injected {
  readonly spec: Spec;
  /** What its cgroup allows beside everything else. */
  readonly rules: readonly DeviceRule[];
}

/** Facts of a device file of the host. */
export type LookAtDevice = (path: string) => HostDevice;

/** The paths of the host's devices that the devices `names` bring. */
export function injectedPaths(names: readonly string[], { devices }: CdiRegistry): string[] {
  return names.flatMap((name) => {
    const device = devices.get(name);
    const edits = device === undefined ? [] : [device.spec.containerEdits, device.edits];
    return edits.flatMap(({ deviceNodes }) =>
      (deviceNodes ?? []).flatMap(({ path, hostPath = path, type }) => (type === "p" ? [] : hostPath)),
    );
  });
}

/**
 * Applies what the devices `names` (`vendor.com/class=name`) say.
 * @param idmap whether the ids of mounts are mapped by the container's user namespace
 * @throws internal in Docker's words for a device that nobody describes; not-implemented for what can't be done
 */
export function injectDevices(
  spec: Spec,
  names: readonly string[],
  registry: CdiRegistry,
  idmap: boolean,
  look: LookAtDevice = (path) => hostDevice(path),
): Injected {
  const missing = names.filter((name) => !registry.devices.has(name));
  if (missing.length > 0) {
    const why = registry.problems.length === 0 ? "" : ` (${registry.problems.join("; ")})`;
    const message = `CDI device injection failed: unresolvable CDI devices ${missing.join(", ")}${why}`;
    throw failure("internal", { message });
  }
  const whole = new Set<string>();
  const edits: (readonly [name: string, edits: CdiEdits])[] = [];
  for (const name of names) {
    const device = registry.devices.get(name);
    if (device === undefined) continue;
    if (!whole.has(device.spec.path)) edits.push([name, device.spec.containerEdits]);
    whole.add(device.spec.path);
    edits.push([name, device.edits]);
  }
  return edits.reduce<Injected>(
    (injected, [name, edit]) => applyEdits(injected, name, edit, { idmap, look }),
    { spec, rules: [] },
  );
}

interface Means {
  readonly idmap: boolean;
  readonly look: LookAtDevice;
}

function applyEdits({ spec, rules }: Injected, name: string, edits: CdiEdits, means: Means): Injected {
  const [hook] = edits.hooks ?? [];
  const unsupported = (what: string): never => {
    throw failure("not-implemented", { what: `${what} of CDI device ${name}` });
  };
  // They are programs of the host that change the container's root by its path, which there isn't.
  if (hook !== undefined) unsupported(`the hook ${hook.hookName ?? ""} ${hook.path ?? ""}`);
  if (edits.intelRdt !== undefined && edits.intelRdt !== null) unsupported("intelRdt");
  if ((edits.netDevices ?? []).length > 0) unsupported("netDevices");
  const nodes = (edits.deviceNodes ?? []).map((node) => readNode(node, means.look));
  const { process, linux } = spec;
  const paths = new Set(nodes.map(({ device }) => device.path));
  const gids = (edits.additionalGids ?? []).filter((gid) => gid !== 0);
  return {
    spec: {
      ...spec,
      process: {
        ...process,
        env: withVariables(process.env, edits.env ?? []),
        user: {
          ...process.user,
          additionalGids: [...new Set([...(process.user.additionalGids ?? []), ...gids])],
        },
      },
      mounts: [...spec.mounts, ...(edits.mounts ?? []).map((mount) => readMount(mount, means.idmap))],
      linux: {
        ...linux,
        devices: [
          ...(linux.devices ?? []).filter(({ path }) => !paths.has(path)),
          ...nodes.map(({ device }) => device),
        ],
      },
    },
    rules: [...rules, ...nodes.flatMap(({ rule }) => rule ?? [])],
  };
}

/** Later variables take the place of earlier ones of the same name. */
function withVariables(env: readonly string[], added: readonly string[]): string[] {
  const names = new Set(added.map((entry) => entry.split("=", 1)[0]));
  return [...env.filter((entry) => !names.has(entry.split("=", 1)[0])), ...added];
}

function readMount(
  { hostPath, containerPath, type, options }: NonNullable<CdiEdits["mounts"]>[number],
  idmap: boolean,
): SpecMount {
  const isBind = type === undefined || type === "" || type === "bind" || type === "none";
  const given = options ?? [];
  const bind = given.some((option) => option === "bind" || option === "rbind") ? [] : ["bind"];
  return {
    destination: containerPath,
    source: hostPath,
    ...(isBind
      ? { type: "bind", options: [...bind, ...given, ...(idmap ? ["idmap"] : [])] }
      : { type, options: given }),
  };
}

function readNode(
  node: CdiDeviceNode,
  look: LookAtDevice,
): { readonly device: SpecDevice; readonly rule?: DeviceRule } {
  const { path, hostPath = path, permissions = "rwm" } = node;
  // A FIFO is nobody's but the container's.
  const known = node.type === "p" ? { type: "p", major: 0, minor: 0, mode: 0o666 } : look(hostPath);
  const type = known.type as SpecDevice["type"];
  const major = node.major ?? known.major;
  const minor = node.minor ?? known.minor;
  const device: SpecDevice = {
    type,
    path,
    major,
    minor,
    fileMode: node.fileMode ?? known.mode,
    ...(node.uid === undefined ? {} : { uid: node.uid }),
    ...(node.gid === undefined ? {} : { gid: node.gid }),
  };
  if (type === "p") return { device };
  return { device, rule: { allow: true, type: type === "b" ? "b" : "c", major, minor, access: permissions } };
}
