/**
 * What several tests of this folder need.
 * @module
 */
import type { HostDefaults } from "./host-config.ts";

/** An engine's defaults on a machine with two processors and cgroup version 1. */
export const defaults: HostDefaults = {
  logDriver: "json-file",
  logOptions: {},
  cgroupVersion: 1,
  cgroupDriver: "cgroupfs",
  processors: 2,
  capabilities: (1n << 41n) - 1n,
  shmSize: 64 << 20,
  throttledProcessors: [],
};
