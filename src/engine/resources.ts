/**
 * Limits of a HostConfig as the cgroup's resources (engine-api: Resources; runtime-spec: linux.resources).
 * @module
 */
import type { DeviceRule, LiveResources, Resources, ThrottleDevice } from "../cgroup/mod.ts";
import { failure } from "../errors/mod.ts";
import type { HostConfig, ThrottleDevice as Throttle } from "./container-types.ts";
import { directly, hostDevice, mappedDevices, type DeviceFiles } from "./host-devices.ts";

/** Devices that every container may use: those of its /dev, its terminals, making (not opening) any node. */
const defaultRules: readonly DeviceRule[] = [
  { allow: false, type: "a", access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...(
    [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
    ] as const
  ).map(([major, minor]) => ({ allow: true, type: "c" as const, major, minor, access: "rwm" })),
  { allow: true, type: "c", major: 136, access: "rwm" },
];

function throttle(devices: readonly Throttle[] | null, files: DeviceFiles): ThrottleDevice[] | undefined {
  return devices?.map(({ Path, Rate }) => {
    const { major, minor } = hostDevice(Path, files);
    return { major, minor, rate: Rate };
  });
}

/** Reads Docker's `--device-cgroup-rule`: `c 1:3 mr`, `a *:* rwm`. */
function parseRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) {
    throw failure("invalid-parameter", { message: `invalid device cgroup rule format: '${text}'` });
  }
  const [, type, major, minor, access] = match;
  return {
    allow: true,
    type: type === "a" ? "a" : type === "b" ? "b" : "c",
    ...(major === "*" ? {} : { major: Number(major) }),
    ...(minor === "*" ? {} : { minor: Number(minor) }),
    access: access ?? "rwm",
  };
}

/** Rules of the devices cgroup. */
function deviceRules(host: HostConfig, files: DeviceFiles): readonly DeviceRule[] {
  if (host.Privileged) return [{ allow: true, type: "a", access: "rwm" }];
  const devices = (host.Devices ?? [])
    .flatMap((mapping) => mappedDevices(mapping, files))
    .map(({ type, major, minor, access }) => ({ allow: true, type, major, minor, access }) as const);
  return [...defaultRules, ...devices, ...(host.DeviceCgroupRules ?? []).map(parseRule)];
}

/** What a container's cgroup is limited to; `files` are the devices that it names. */
export function containerResources(host: HostConfig, files: DeviceFiles = directly): Resources {
  return { ...limits(host, files), devices: deviceRules(host, files) };
}

/** The limits among them, which can be changed while the container runs. */
export function limits(host: HostConfig, files: DeviceFiles = directly): LiveResources {
  const quota =
    host.NanoCpus > 0 ? { quota: Math.round(host.NanoCpus / 10_000), period: 100_000 } : undefined;
  const positive = (value: number): number | undefined => (value === 0 ? undefined : value);
  const weightDevice = host.BlkioWeightDevice?.map(({ Path, Weight }) => {
    const { major, minor } = hostDevice(Path, files);
    return { major, minor, weight: Weight };
  });
  return {
    memory: {
      limit: positive(host.Memory),
      reservation: positive(host.MemoryReservation),
      ...(host.KernelMemoryTCP ? { kernelTCP: host.KernelMemoryTCP } : {}),
      swap: positive(host.MemorySwap),
      swappiness: host.MemorySwappiness ?? undefined,
      disableOOMKiller: host.OomKillDisable ? true : undefined,
    },
    cpu: {
      shares: positive(host.CpuShares),
      quota: quota?.quota ?? positive(host.CpuQuota),
      period: quota?.period ?? positive(host.CpuPeriod),
      realtimeRuntime: positive(host.CpuRealtimeRuntime),
      realtimePeriod: positive(host.CpuRealtimePeriod),
      cpus: host.CpusetCpus || undefined,
      mems: host.CpusetMems || undefined,
    },
    pids:
      host.PidsLimit === null || host.PidsLimit === 0
        ? undefined
        : { limit: host.PidsLimit < 0 ? -1 : host.PidsLimit },
    blockIO: {
      weight: positive(host.BlkioWeight),
      weightDevice,
      throttleReadBpsDevice: throttle(host.BlkioDeviceReadBps, files),
      throttleWriteBpsDevice: throttle(host.BlkioDeviceWriteBps, files),
      throttleReadIOPSDevice: throttle(host.BlkioDeviceReadIOps, files),
      throttleWriteIOPSDevice: throttle(host.BlkioDeviceWriteIOps, files),
    },
  };
}
