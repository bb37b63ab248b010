/**
 * Both ways to an overlay: of detached layers, and of layers that are mounted for a moment where nobody sees it, as
 * kernels before 6.15 want it.
 * @module
 */
import { expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { cloneTree, CWD, flags, makeOverlay, MOUNT_ATTR, ProgramBuilder } from "../../src/kernel/mod.ts";
import { probeOverlay } from "../../src/storage/mod.ts";
import { noDetachedLayers } from "../support/host-kernel.ts";
import { testUnless } from "../support/requires.ts";
import { chain, file, owner, world, type World } from "./world.ts";

/** Reads `names` in an overlay of two layers, of which one is a detached mount, and writes to it. */
async function throughOverlay(w: World, staged: boolean, names: readonly string[]): Promise<string[]> {
  await w.layer("a", [file("low", "low of a"), file("both", "both of a")]);
  await w.layer("b", [file("both", "both of b")], "a");
  const plan = await w.driver.prepare("c1", [chain("a"), chain("b")], owner);
  if (plan.kind !== "overlay") throw new Error(plan.kind);
  const { upper, work } = plan;
  const b = new ProgramBuilder();
  const [layer, context, root] = [b.slot("layer"), b.slot("context"), b.slot("root")];
  cloneTree(b, "take the layer above", CWD, w.diff("b"), layer);
  const overlay = {
    lower: [layer, w.diff("a")],
    upper: { path: upper, work },
    options: [],
    attributes: flags(MOUNT_ATTR, "NODEV"),
  };
  makeOverlay(b, "make it", overlay, staged, context, root);
  const outs = names.map((name) => {
    const out = b.out(64);
    b.composite(`read ${name}`, "read", [root, name, out, 0]);
    return out;
  });
  b.call("write", "mkdirat", [root, "made", 0o700]);
  const session = w.session();
  try {
    const space = readlinkSync(`/proc/${session.pid}/ns/mnt`);
    const outcome = await session.run(b.build());
    expect(readlinkSync(`/proc/${session.pid}/ns/mnt`)).toBe(space);
    return outs.map((out) => new TextDecoder().decode(outcome.bytesOf(out)).replaceAll("\0", ""));
  } finally {
    session.close();
  }
}

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");

for (const [how, staged, missing] of [
  ["detached", false, noDetachedLayers],
  ["mounted for a moment", true, undefined],
] as const) {
  testUnless(missing)(
    `layers ${how}: the upper hides the lower, and the host's mounts stay as they are`,
    async () => {
      await using w = await world();
      const before = mounts();
      expect(await throughOverlay(w, staged, ["low", "both"])).toEqual(["low of a", "both of b"]);
      expect(mounts()).toBe(before);
      expect(Bun.spawnSync(["stat", "-c", "%F", `${w.root}/containers/c1/diff/made`]).stdout.toString()).toBe(
        "directory\n",
      );
    },
  );
}

test("probing finds the way that this kernel has", async () => {
  await using w = await world();
  expect(await probeOverlay(w.executor, w.root)).toEqual({
    supported: true,
    staged: noDetachedLayers !== undefined,
  });
});
