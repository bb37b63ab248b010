/**
 * The session that copies a directory of an image: its slots.
 * @module
 */
import type { ProgramBuilder, Slot } from "../kernel/mod.ts";

/** Slots that keep what they hold from one program to the next. */
export interface CopySlots {
  /** Top of what is copied, and the directory being copied: those of a tree reader. */
  readonly source: Slot;
  readonly directory: Slot;
  /** The volume, and the directory in it that is being filled. */
  readonly volume: Slot;
  readonly target: Slot;
  /** The file being read, and the one being written. */
  readonly from: Slot;
  readonly to: Slot;
  /** Where the first name of a file with several is. */
  readonly linked: Slot;
  readonly context: Slot;
  readonly image: Slot;
}

/** Names the session's slots in a new program. */
export function copySlots(b: ProgramBuilder): CopySlots {
  return {
    source: b.slot("source"),
    directory: b.slot("directory"),
    volume: b.slot("volume"),
    target: b.slot("target"),
    from: b.slot("from"),
    to: b.slot("to"),
    linked: b.slot("linked"),
    context: b.slot("file system"),
    image: b.slot("image"),
  };
}
