/**
 * `caisson update`: other limits, another restart policy for containers that are there; and, what Docker has nothing like,
 * other labels and another healthcheck.
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed, joined } from "../failure-text.ts";
import type { Flags, FlagSpec } from "../flags.ts";
import { toMap } from "../key-values.ts";
import { healthcheck, resources, restartPolicy } from "./create-body.ts";
import { createFlags } from "./create-flags.ts";

/** Flags of `create` that mean the same here. */
const shared = [
  "blkio-weight",
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "health-cmd",
  "health-interval",
  "health-retries",
  "health-start-interval",
  "health-start-period",
  "health-timeout",
  "memory",
  "memory-reservation",
  "no-healthcheck",
  "pids-limit",
];

const flags: readonly FlagSpec[] = [
  ...createFlags.filter(({ name }) => shared.includes(name)),
  { name: "cpu-rt-period", type: "int", usage: "Limit the CPU real-time period in microseconds" },
  { name: "cpu-rt-runtime", type: "int", usage: "Limit the CPU real-time runtime in microseconds" },
  ...createFlags.filter(({ name }) => name === "label").map((flag) => ({ ...flag, usage: "Set a label" })),
  { name: "label-rm", type: "list", usage: "Remove a label" },
  {
    name: "memory-swap",
    type: "bytes",
    usage: "Swap limit equal to memory plus swap: -1 to enable unlimited swap",
  },
  { name: "restart", type: "string", usage: "Restart policy to apply when a container exits" },
];

function changes(given: Flags): object {
  const removed = given.list("label-rm");
  const policy = given.string("restart");
  const check = healthcheck(given);
  const labels = {
    ...toMap(given.list("label")),
    ...Object.fromEntries(removed.map((name) => [name, null])),
  };
  return {
    ...resources(given),
    ...(policy === undefined ? {} : { RestartPolicy: restartPolicy(policy) }),
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
    ...(check === undefined ? {} : { Healthcheck: check }),
  };
}

/** `caisson update` */
export const update: Command = {
  use: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags,
  args: { min: 1 },
  run: async (context, given, names) => {
    if (!flags.some(({ name }) => given.has(name))) {
      throw commandFailed("you must provide one or more flags when using this command");
    }
    const body = changes(given);
    const client = await context.client();
    const warnings: string[] = [];
    const errors: unknown[] = [];
    for (const name of names) {
      try {
        const { Warnings } = await client.containers.update(name, body);
        context.stdout.line(name);
        warnings.push(...(Warnings ?? []));
      } catch (error) {
        errors.push(error);
      }
    }
    for (const warning of warnings) context.stdout.line(warning);
    if (errors.length > 0) throw joined(errors);
    return 0;
  },
};
