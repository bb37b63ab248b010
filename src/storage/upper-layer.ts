/**
 * What a container, or a step of a build, wrote on top of its image, as a layer: entries with ids as they are inside, and
 * whiteouts of what is gone (OCI image-spec, "Image Layer Filesystem Changeset").
 * @module
 */
import type { EntryInput } from "../image/mod.ts";
import { CWD, open, ProgramBuilder, type Executor } from "../kernel/mod.ts";
import { capabilityInside } from "./capability.ts";
import { directoryForReading } from "./directories.ts";
import { deleted, type FileChange } from "./changes.ts";
import { treeEntries } from "./tree-entries.ts";
import type { RootPlan } from "./types.ts";

/** What reading a layer works with. */
export interface UpperLayerOptions {
  /** A session of its own. */
  readonly session: Pick<Executor, "run">;
  /** What is to be in the layer: all else in the upper directory is as the image has it. */
  readonly changes: readonly FileChange[];
  /** First id of the container's range, and how many there are; 0 and all if its ids are the host's. */
  readonly firstId: number;
  readonly ids: number;
}

/** Whom a file belongs to whose owner isn't among the container's ids, as the container sees it. */
const nobody = 65_534;

/** The layer's entries. */
export async function* upperLayer(
  { upper }: Extract<RootPlan, { kind: "overlay" }>,
  { session, changes, firstId, ids }: UpperLayerOptions,
): AsyncGenerator<EntryInput, void, void> {
  const b = new ProgramBuilder();
  open(b, "open what was written", CWD, upper, directoryForReading, b.slot("top"));
  await session.run(b.build());
  const kinds = new Map(changes.map(({ path, kind }) => [path.join("/"), kind]));
  const inside = (id: number): number => (id >= firstId && id - firstId < ids ? id - firstId : nobody);
  yield* treeEntries(session, {
    name: "",
    top: false,
    way: "layer",
    upper: true,
    change: (entry, path) => {
      const kind = kinds.get(path.join("/"));
      if (kind === undefined) return undefined;
      if (kind === deleted) return entry;
      const { uid = 0, gid = 0, xattrs } = entry;
      const capability = xattrs?.get("security.capability");
      const mapped = { ...entry, uid: inside(uid), gid: inside(gid) };
      if (xattrs === undefined || capability === undefined) return mapped;
      return {
        ...mapped,
        xattrs: new Map([...xattrs, ["security.capability", capabilityInside(capability, firstId)]]),
      };
    },
  });
}
