/**
 * What both versions' drivers have in common: where cgroups lie, how a process gets into one, how one goes.
 * @module
 */
import type { ProgramBuilder, Result } from "../kernel/mod.ts";
import * as entrance from "./entrance.ts";
import { locateCgroup } from "./location.ts";
import { addRemoval } from "./removal.ts";
import type { Cgroup, CgroupDriver, CgroupHost, CreatedCgroup, Entrance } from "./types.ts";

/** The part of the driver `cgroupfs` that is the same for both versions. */
export class Cgroupfs {
  readonly name: CgroupDriver["name"] = "cgroupfs";
  readonly defaultParent: string = "/docker";
  protected readonly host: CgroupHost;

  constructor(host: CgroupHost) {
    this.host = host;
  }

  locate(parent: string, id: string): Cgroup {
    return locateCgroup(this.host, `${parent}/${id}`);
  }

  openEntrance(b: ProgramBuilder, cgroup: Cgroup | CreatedCgroup): Entrance {
    return entrance.openEntrance(b, cgroup);
  }

  enter(b: ProgramBuilder, opened: Entrance): void {
    entrance.enter(b, opened);
  }

  closeEntrance(b: ProgramBuilder, opened: Entrance): void {
    entrance.closeEntrance(b, opened);
  }

  join(b: ProgramBuilder, cgroup: Cgroup, pid: Result | "self"): void {
    entrance.join(b, cgroup, pid);
  }

  remove(b: ProgramBuilder, cgroup: Cgroup): void {
    addRemoval(b, cgroup);
  }
}
