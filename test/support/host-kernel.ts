/**
 * What of the host's kernel and init tests need, for `testUnless`: reasons why it isn't there, or undefined.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";

const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");

/** Cgroups of version 2 that limit. */
export const noUnified: string | undefined = unified
  ? undefined
  : "cgroup version 2 does not limit here; make vm-test does this";

/** Cgroups of version 1 that limit. */
export const noVersion1: string | undefined = unified ? "cgroup version 1 does not limit here" : undefined;

/** systemd as init, on version 2. */
export const noSystemd: string | undefined =
  unified && existsSync("/run/systemd/system")
    ? undefined
    : "systemd is not the init; make vm-test does this";

const appArmor = "/sys/module/apparmor/parameters/enabled";

/** AppArmor in the kernel. */
export const noAppArmor: string | undefined =
  existsSync(appArmor) && readFileSync(appArmor, "utf8").startsWith("Y")
    ? undefined
    : "the kernel has no AppArmor; make vm-test does this";

/** SCTP, which no machine loads before somebody asks; a container can't have it loaded. */
export const noSctp: string | undefined = readFileSync("/proc/net/protocols", "utf8").includes("SCTP ")
  ? undefined
  : "the kernel has no SCTP; make vm-test does this";

/** The machine of `make vm-test`, in which a test may install units of systemd. */
export const noMachineOfOurs: string | undefined = readFileSync("/proc/cmdline", "utf8").includes(
  "caisson.tests=",
)
  ? noSystemd
  : "this changes the machine; make vm-test does this in one of its own";

const [major = 0, minor = 0] = release().split(".").map(Number);

/** Overlays of detached mounts. */
export const noDetachedLayers: string | undefined =
  major > 6 || (major === 6 && minor >= 15) ? undefined : "before Linux 6.15 layers must be mounted";
