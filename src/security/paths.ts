/**
 * Paths of /proc and /sys that a container must not read or not write, where it isn't privileged.
 * @module
 */

/** Kernel memory, keys, addresses, the machine's hardware, and side channels into what other containers do. */
const masked: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

/** Paths that a container only reads: settings that are not divided by namespaces. Docker's list. */
export const readonlyPaths: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/**
 * Paths that a container doesn't see. Docker's list.
 * @param throttledCpus numbers of the processors that have /sys/devices/system/cpu/cpuN/thermal_throttle
 */
export function maskedPaths(throttledCpus: readonly number[] = []): string[] {
  return [...masked, ...throttledCpus.map((cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`)];
}
