/**
 * The slots of a session in a container's root (src/runtime/view.ts).
 * @module
 */
import type { Executor, ProgramBuilder, Slot } from "../kernel/mod.ts";

/** What works in such a session: an executor, or something that stops it when it takes too long. */
export type ViewSession = Pick<Executor, "run">;

/** Names of the slots, by number. */
export const viewSlotNames: readonly string[] = ["top", "directory", "file", "scratch"];
/** The container's root, until something below it takes its place: what is archived, or where an archive goes. */
export const TOP = 0;
export const DIRECTORY = 1;
export const FILE = 2;
export const SCRATCH = 3;

/** The slots in a new program. */
export interface ViewSlots {
  readonly top: Slot;
  readonly directory: Slot;
  readonly file: Slot;
  readonly scratch: Slot;
}

/** Names the session's slots in a new program; to be called before any other slot is made. */
export function viewSlots(b: ProgramBuilder): ViewSlots {
  return {
    top: b.slot("top"),
    directory: b.slot("directory"),
    file: b.slot("file"),
    scratch: b.slot("scratch"),
  };
}
