import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { detectCgroups } from "../cgroup/mod.ts";
import { debian9 } from "../cgroup/fake-host.ts";
import { installNativeBinary } from "../kernel/mod.ts";
import { FakeServices } from "./fake-services.ts";
import { openRehearsal } from "./rehearsal.ts";

test("containers for practice live and go, and nothing of them is the engine's", async () => {
  using fake = new FakeServices();
  const native = mkdtempSync(`${tmpdir()}/caisson-rehearsal-`);
  try {
    const before = readdirSync(fake.root, { recursive: true });
    const root = { kind: "overlay", lower: ["/layer"], upper: "/upper", work: "/work" } as const;
    const storage = Object.assign(fake.storage, { plan: () => root });
    const options = { ...fake.services.options, dataRoot: fake.root };
    const stage = openRehearsal(
      { ...fake.services, options, storage },
      detectCgroups(debian9),
      installNativeBinary(native),
    );
    for (let round = 0; round < 3; round++) {
      const body = { Image: "practice", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
      const { Id } = await stage.containers.create({ body });
      expect(await stage.containers.start(Id)).toBe(true);
      const { done } = await stage.containers.wait(Id, "not-running");
      expect((await done).StatusCode).toBe(0);
      await stage.containers.remove(Id, { force: false, volumes: false, link: false });
      expect(() => stage.containers.wait(Id, "removed")).toThrow("No such container");
    }
    expect(stage.early()).toBe(true);
    fake.container();
    expect(stage.early()).toBe(false);
    stage.close();
    expect(fake.programs).toEqual([]);
    expect(fake.published).toEqual([]);
    expect(readdirSync(fake.root, { recursive: true })).toEqual(before);
  } finally {
    rmSync(native, { recursive: true });
  }
});
