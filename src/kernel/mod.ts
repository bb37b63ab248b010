/**
 * The kernel as data: building, encoding, printing and performing programs.
 * @module
 */
export * from "./calls.ts";
export { encodeProgram } from "./encode.ts";
export { errnoNumbers, errnoText, type Errno } from "./errno.ts";
export { Executor, type Outcome, type RunOptions } from "./executor.ts";
export { Executors } from "./executors.ts";
export { otherExecutorsGone } from "./other-executors.ts";
export { KernelError } from "./failure.ts";
export * from "./flags.ts";
export { installNativeBinary } from "./native-binary.ts";
export { printProgram } from "./print.ts";
export { makeOverlay } from "./overlay.ts";
export { pageOut, readAhead, type MemoryRange } from "./page-out.ts";
export * from "./program.ts";
export { attachToShim, ShimConnection, type ShimState } from "./shim-connection.ts";
export type { ProcessExit, ShimStart, StartedShim } from "./shim-starter.ts";
export type { ShimLog, ShimOptions } from "./shim-configuration.ts";
export { nativeArch, type Architecture } from "./syscalls/mod.ts";
export {
  findHostProgram,
  runHostProgram,
  spawnDetached,
  type DetachedProcess,
  type Output,
} from "./spawn.ts";
