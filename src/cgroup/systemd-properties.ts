/**
 * Limits as properties of a systemd unit (systemd.resource-control(5)). systemd writes its properties to the cgroup's
 * files again whenever it likes (daemon-reload does it): what it has a property for it must know, or the limit is gone.
 * @module
 */
import type { BusValue } from "./dbus-wire.ts";
import type { Resources } from "./types.ts";
import { cpuWeight, ioWeight, swapMax } from "./v2-conversion.ts";

/** `[name, value]` as in `a(sv)`. */
export type UnitProperty = readonly [
  name: string,
  value: { readonly signature: string; readonly value: BusValue },
];

const NO_LIMIT = 2n ** 64n - 1n;
const DEFAULT_PERIOD = 100_000;
/** systemd rounds to hundredths of a processor; so does runc before it asks. */
const QUOTA_STEP = 10_000;

function number(name: string, value: number): UnitProperty {
  return [name, { signature: "t", value: value < 0 ? NO_LIMIT : BigInt(value) }];
}

/** The properties that these limits need; what systemd has none for is written by the driver alone. */
export function unitProperties({ memory, cpu, pids, blockIO }: Resources): UnitProperty[] {
  const properties: UnitProperty[] = [];
  if (memory?.limit !== undefined) properties.push(number("MemoryMax", memory.limit));
  if (memory?.reservation !== undefined) properties.push(number("MemoryLow", memory.reservation));
  const swap = memory === undefined ? undefined : swapMax(memory);
  if (swap !== undefined) properties.push(number("MemorySwapMax", swap));
  if (cpu?.idle === 1) properties.push(number("CPUWeight", 0));
  else if (cpu?.shares !== undefined) properties.push(number("CPUWeight", cpuWeight(cpu.shares)));
  if (cpu?.period !== undefined) properties.push(number("CPUQuotaPeriodUSec", cpu.period));
  if (cpu?.quota !== undefined) {
    const each = (cpu.quota * 1_000_000) / (cpu.period ?? DEFAULT_PERIOD);
    properties.push(
      number("CPUQuotaPerSecUSec", cpu.quota <= 0 ? -1 : Math.ceil(each / QUOTA_STEP) * QUOTA_STEP),
    );
  }
  if (cpu?.cpus !== undefined) properties.push(["AllowedCPUs", bitmask(cpu.cpus)]);
  if (cpu?.mems !== undefined) properties.push(["AllowedMemoryNodes", bitmask(cpu.mems)]);
  if (pids !== undefined) properties.push(number("TasksMax", pids.limit));
  if (blockIO?.weight !== undefined) properties.push(number("IOWeight", ioWeight(blockIO.weight)));
  return properties;
}

/** More processors or nodes than any kernel can be built for. */
const MOST = 65_536;

/** `0-3,7` as systemd wants it: a bit for each number, the lowest first. */
function bitmask(list: string): { signature: string; value: Uint8Array } {
  const bytes: number[] = [];
  for (const range of list.split(",")) {
    const [first = 0, last = first] = range.split("-").map(Number);
    for (let bit = first; bit <= Math.min(last, MOST); bit++)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return { signature: "ay", value: Uint8Array.from(bytes, (byte) => byte ?? 0) };
}
