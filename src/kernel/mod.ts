/**
 * The kernel as data: building, encoding, printing and performing programs.
 * @module
 */
export * from "./calls.ts";
export { encodeProgram } from "./encode.ts";
export { errnoName, errnoNumbers, errnoText, type Errno } from "./errno.ts";
export { Executor, type Outcome, type RunOptions, type StartedShim } from "./executor.ts";
export { KernelError } from "./failure.ts";
export * from "./flags.ts";
export { printArgument, printCall, printProgram } from "./print.ts";
export * from "./program.ts";
export { shimSlots, type ShimLog, type ShimOptions } from "./shim-configuration.ts";
export { findHostProgram, runHostProgram, type Output } from "./spawn.ts";
