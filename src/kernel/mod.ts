/**
 * The kernel as data: building, encoding, printing and performing programs.
 * @module
 */
export * from "./calls.ts";
export { encodeProgram } from "./encode.ts";
export { errnoName, errnoNumbers, errnoText, type Errno } from "./errno.ts";
export { Executor, type Outcome, type RunOptions, type StartedShim } from "./executor.ts";
export { Executors } from "./executors.ts";
export { KernelError } from "./failure.ts";
export * from "./flags.ts";
export { installNativeBinary } from "./native-binary.ts";
export { printArgument, printCall, printProgram } from "./print.ts";
export * from "./program.ts";
export { attachToShim, ShimConnection, type ShimState } from "./shim-connection.ts";
export { shimSlots, type ShimLog, type ShimOptions } from "./shim-configuration.ts";
export { nativeArch, type Architecture } from "./syscalls/mod.ts";
export { findHostProgram, runHostProgram, type Output } from "./spawn.ts";
