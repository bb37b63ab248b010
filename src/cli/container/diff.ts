/**
 * `caisson diff`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";

/** As docker prints what became of a path, by the number that the API has for it. */
const kinds = ["C", "A", "D"];

/** `caisson diff` */
export const diff: Command = {
  use: "CONTAINER",
  flags: [],
  args: { exact: 1 },
  run: async (context, _, [name = ""]) => {
    if (name === "") throw commandFailed("Container name cannot be empty");
    const changes = await (await context.client()).containers.changes(name);
    for (const { Path, Kind } of changes ?? []) context.stdout.line(`${kinds[Kind] ?? "C"} ${Path}`);
    return 0;
  },
};
