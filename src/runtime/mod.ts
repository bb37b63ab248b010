/**
 * The OCI runtime: config.json → program.
 * @module
 */
export { CompiledPrograms } from "./compiled-programs.ts";
export type {
  CgroupPlan,
  CompileContext,
  Join,
  NetworkPlan,
  OverlayRoot,
  RootFileSystem,
} from "./context.ts";
export type { HostIds } from "./devices.ts";
export { compileExec, type ExecContext } from "./exec.ts";
export { FINDING_PART, MOUNTING_VOLUME } from "./mounts.ts";
export { parseMountOptions } from "./mount-options.ts";
export { hostIds } from "./namespaces.ts";
export type * from "./spec.ts";
export { compileView, type View } from "./view.ts";
