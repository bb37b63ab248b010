/**
 * `caisson runtime …`: the OCI runtime's command line, which has a parser of its own.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Command } from "./command.ts";

/** `caisson runtime` */
export const runtime: Command = {
  use: "[OPTIONS] COMMAND [ARG...]",
  flags: [],
  args: { min: 0 },
  interspersed: false,
  run: () => {
    throw failure("not-implemented", { what: "caisson runtime" });
  },
};
