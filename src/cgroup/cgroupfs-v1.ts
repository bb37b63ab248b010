/**
 * The driver `cgroupfs` for version 1, where each controller (or group of them) is a hierarchy of its own and a
 * container has a directory in each. An empty version 2 beside them (a hybrid host) is left alone: it limits nothing.
 * @module
 */
import { CWD, mkdir, write, type Out, type ProgramBuilder } from "../kernel/mod.ts";
import { Cgroupfs } from "./cgroupfs.ts";
import { cgroupMagic, directoryWriter } from "./limit-writer.ts";
import { directoryFor } from "./location.ts";
import { mountsV1 } from "./mounts.ts";
import type { Cgroup, CgroupDriver, CgroupMounts, CreatedCgroup, LiveResources, Resources } from "./types.ts";
import { writeDevicesV1 } from "./v1-devices.ts";
import { writeLimitsV1 } from "./v1-limits.ts";

/** What an empty file of cpuset reads as. */
const EMPTY = "\n".length;

/** The driver; `host` is from `detectCgroups`. */
export class CgroupfsV1 extends Cgroupfs implements CgroupDriver {
  readonly version = 1;

  prepareParent(b: ProgramBuilder, cgroup: Cgroup): void {
    for (const directory of cgroup.directories) {
      const name = directory.hierarchy.controllers.join(",");
      for (const parent of directory.parents) {
        mkdir(b, `make the parent cgroup in ${name}`, CWD, parent, 0o755, { tolerate: ["EEXIST"] });
        if (directory.hierarchy.controllers.includes("cpuset")) this.#fillCpuset(b, parent);
      }
    }
  }

  /** A new cpuset is empty, and no process can join it. With clone_children its children begin with its contents. */
  #fillCpuset(b: ProgramBuilder, directory: string): void {
    const magic = cgroupMagic(1);
    const writeLimit = directoryWriter(b, directory);
    const contents = [
      ["cpuset.cpus", this.host.cpuset?.cpus, "CPU set of the parent cgroup"],
      ["cpuset.mems", this.host.cpuset?.mems, "memory nodes of the parent cgroup"],
    ] as const;
    for (const [file, value, what] of contents) {
      if (value === undefined || value === "") continue;
      const length = b.composite(`read the ${what}`, "read", [CWD, `${directory}/${file}`, b.out(8), magic]);
      b.skipIf(`unless the ${what} is empty`, length, "!=", EMPTY, () => {
        writeLimit(file, value, what);
      });
    }
    writeLimit("cgroup.clone_children", 1, "inheritance of CPU sets");
  }

  create(b: ProgramBuilder, cgroup: Cgroup, resources: Resources): CreatedCgroup {
    for (const { hierarchy, path } of cgroup.directories) {
      const label = `make the cgroup in ${hierarchy.controllers.join(",")}`;
      mkdir(b, label, CWD, path, 0o755, { tolerate: ["EEXIST"] });
    }
    writeLimitsV1(b, cgroup, resources, false);
    writeDevicesV1(b, cgroup, resources.devices ?? []);
    return cgroup;
  }

  update(b: ProgramBuilder, cgroup: Cgroup, resources: LiveResources): void {
    writeLimitsV1(b, cgroup, resources, true);
  }

  freeze(b: ProgramBuilder, cgroup: Cgroup): Out {
    const directory = directoryFor(cgroup, "freezer", "the frozen state");
    const magic = cgroupMagic(1);
    write(b, "freeze the cgroup", CWD, `${directory}/freezer.state`, "FROZEN", { magic });
    const state = b.out(16);
    b.composite("read whether it is frozen", "read", [CWD, `${directory}/freezer.state`, state, magic]);
    return state;
  }

  isFrozen(state: Uint8Array): boolean {
    return new TextDecoder().decode(state).startsWith("FROZEN");
  }

  thaw(b: ProgramBuilder, cgroup: Cgroup): void {
    const directory = directoryFor(cgroup, "freezer", "the frozen state");
    write(b, "thaw the cgroup", CWD, `${directory}/freezer.state`, "THAWED", { magic: cgroupMagic(1) });
  }

  mounts(cgroup: Cgroup): CgroupMounts {
    return mountsV1(cgroup);
  }
}
