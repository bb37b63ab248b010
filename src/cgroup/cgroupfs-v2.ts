/**
 * The driver `cgroupfs` for version 2: one hierarchy, in which controllers are delegated from parent to child.
 * @module
 */
import { CWD, mkdir, write, type Out, type ProgramBuilder } from "../kernel/mod.ts";
import { Cgroupfs } from "./cgroupfs.ts";
import { attachDevices } from "./devices-attach.ts";
import { closeEntrance, openDirectory } from "./entrance.ts";
import { cgroupMagic } from "./limit-writer.ts";
import { mountsV2 } from "./mounts.ts";
import type { Cgroup, CgroupDriver, CgroupMounts, CreatedCgroup, LiveResources, Resources } from "./types.ts";
import { writeLimitsV2 } from "./v2-limits.ts";

/** Enough for cgroup.events: `populated 1\nfrozen 1\n`. */
const EVENTS_SIZE = 256;

/** The driver; `host` is from `detectCgroups`. */
export class CgroupfsV2 extends Cgroupfs implements CgroupDriver {
  readonly version = 2;

  prepareParent(b: ProgramBuilder, cgroup: Cgroup): void {
    for (const { hierarchy, parents } of cgroup.directories) {
      delegate(b, hierarchy.mountPoint, hierarchy.controllers);
      for (const parent of parents) {
        mkdir(b, "make the parent cgroup", CWD, parent, 0o755, { tolerate: ["EEXIST"] });
        delegate(b, parent, hierarchy.controllers);
      }
    }
  }

  create(b: ProgramBuilder, cgroup: Cgroup, resources: Resources): CreatedCgroup {
    const [place] = cgroup.directories;
    if (place === undefined) return cgroup;
    mkdir(b, "make the cgroup", CWD, place.path, 0o755, { tolerate: ["EEXIST"] });
    const directory = openDirectory(b, place.path);
    writeLimitsV2(b, cgroup, directory, resources);
    attachDevices(b, directory, resources.devices ?? []);
    return { ...cgroup, directory };
  }

  update(b: ProgramBuilder, cgroup: Cgroup, resources: LiveResources): void {
    for (const { path } of cgroup.directories) {
      const directory = openDirectory(b, path);
      writeLimitsV2(b, cgroup, directory, resources);
      closeEntrance(b, { slot: directory });
    }
  }

  freeze(b: ProgramBuilder, cgroup: Cgroup): Out {
    const state = b.out(EVENTS_SIZE);
    const magic = cgroupMagic(2);
    for (const { path } of cgroup.directories) {
      write(b, "freeze the cgroup", CWD, `${path}/cgroup.freeze`, "1", { magic });
      b.composite("read whether it is frozen", "read", [CWD, `${path}/cgroup.events`, state, magic]);
    }
    return state;
  }

  isFrozen(state: Uint8Array): boolean {
    return new TextDecoder().decode(state).includes("frozen 1\n");
  }

  thaw(b: ProgramBuilder, cgroup: Cgroup): void {
    for (const { path } of cgroup.directories) {
      write(b, "thaw the cgroup", CWD, `${path}/cgroup.freeze`, "0", { magic: cgroupMagic(2) });
    }
  }

  mounts(cgroup: Cgroup, namespace: "private" | "host"): CgroupMounts {
    return mountsV2(cgroup, namespace);
  }
}

/**
 * Lets the children of `directory` have controllers. One write for all; if the kernel refuses one of them, one each, as
 * runc does: a limit that then lacks its controller fails by itself, with ENOENT.
 */
function delegate(b: ProgramBuilder, directory: string, controllers: readonly string[]): void {
  if (controllers.length === 0) return;
  const path = `${directory}/cgroup.subtree_control`;
  const options = { magic: cgroupMagic(2), tolerate: "any" } as const;
  const list = controllers.map((name) => `+${name}`).join(" ");
  const all = write(b, `delegate all controllers below ${directory}`, CWD, path, list, options);
  b.skipIf("unless that was refused", all, ">=0", 0, () => {
    for (const name of controllers) {
      write(b, `delegate ${name} below ${directory}`, CWD, path, `+${name}`, options);
    }
  });
}
