/**
 * What the engine finds on its host once, when it starts.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, release, totalmem } from "node:os";
import { availableCapabilities } from "../security/mod.ts";

export interface HostFacts {
  /** `6.18.44-…` */
  readonly kernel: string;
  /** Major and minor of it. */
  readonly kernelVersion: readonly [number, number];
  readonly processors: number;
  /** Bytes. */
  readonly memory: number;
  /** Highest capability that the kernel knows. */
  readonly lastCapability: number;
  /** Capabilities that containers may get, as a mask. */
  readonly capabilities: bigint;
  /** Processors with a thermal_throttle directory, which containers must not see. */
  readonly throttledProcessors: readonly number[];
}

function readNumber(path: string, fallback: number): number {
  if (!existsSync(path)) return fallback;
  const value = Number(readFileSync(path, "utf8").trim());
  return Number.isFinite(value) ? value : fallback;
}

/** Reads /proc and /sys. */
export function gatherHostFacts(): HostFacts {
  const lastCapability = readNumber("/proc/sys/kernel/cap_last_cap", 40);
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const kernel = release();
  const [major = 0, minor = 0] = kernel.split(".").map((part) => Number.parseInt(part, 10));
  const cpus = "/sys/devices/system/cpu";
  const throttledProcessors = existsSync(cpus)
    ? readdirSync(cpus).flatMap((name) => {
        const number = /^cpu(\d+)$/.exec(name)?.[1];
        return number !== undefined && existsSync(`${cpus}/${name}/thermal_throttle`) ? [Number(number)] : [];
      })
    : [];
  return {
    kernel,
    kernelVersion: [major, minor],
    processors: availableParallelism(),
    memory: totalmem(),
    lastCapability,
    capabilities: availableCapabilities(lastCapability, BigInt(`0x${bounding}`)),
    throttledProcessors,
  };
}
