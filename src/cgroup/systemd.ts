/**
 * The driver `systemd`, for version 2: systemd makes a scope for each container, `docker-ID.scope`, in a slice, and
 * delegates it. It makes the scope around a process that exists already: the container's first process is made, held,
 * acquired, and released when it is in the scope.
 * @module
 */
import { basename } from "node:path/posix";
import { failure } from "../errors/mod.ts";
import type { ProgramBuilder } from "../kernel/mod.ts";
import { CgroupfsV2 } from "./cgroupfs-v2.ts";
import { attachDevices } from "./devices-attach.ts";
import { openDirectory } from "./entrance.ts";
import { locateCgroup } from "./location.ts";
import { unitProperties, type UnitProperty } from "./systemd-properties.ts";
import { SystemdUnits } from "./systemd-units.ts";
import type { Cgroup, CgroupHost, CreatedCgroup, LiveResources, Resources } from "./types.ts";
import { writeLimitsV2 } from "./v2-limits.ts";

/** The driver; `host` is from `detectCgroups` and of version 2. */
export class SystemdDriver extends CgroupfsV2 {
  override readonly name = "systemd";
  override readonly defaultParent: string = "system.slice";
  readonly #units: SystemdUnits;

  constructor(host: CgroupHost, units: SystemdUnits = new SystemdUnits()) {
    super(host);
    this.#units = units;
  }

  /** `parent` is a slice; a slice's name says which slices it lies in. */
  override locate(parent: string, id: string): Cgroup {
    return locateCgroup(this.host, `${slicePath(parent)}/docker-${id}.scope`);
  }

  /** systemd makes slices as they are needed. */
  override prepareParent(): void {}

  /** Sets the limits of the cgroup that `acquire` had systemd make, with room for that call's process. */
  override create(b: ProgramBuilder, cgroup: Cgroup, resources: Resources): CreatedCgroup {
    const [place] = cgroup.directories;
    if (place === undefined) return cgroup;
    const directory = openDirectory(b, place.path);
    writeLimitsV2(b, cgroup, directory, withPlaceholder(resources));
    attachDevices(b, directory, resources.devices ?? []);
    return { ...cgroup, directory };
  }

  async acquire(cgroup: Cgroup, pid: number, resources: Resources): Promise<void> {
    const slice = basename(cgroup.path.slice(0, cgroup.path.lastIndexOf("/"))) || "-.slice";
    const yes = { signature: "b", value: true } as const;
    const properties: UnitProperty[] = [
      ["Description", { signature: "s", value: `container ${unitOf(cgroup)}` }],
      ["Slice", { signature: "s", value: slice }],
      ["PIDs", { signature: "au", value: [pid] }],
      ["Delegate", yes],
      ["DefaultDependencies", { signature: "b", value: false }],
      ["CollectMode", { signature: "s", value: "inactive-or-failed" }],
      ...["CPUAccounting", "MemoryAccounting", "TasksAccounting", "IOAccounting"].map(
        (name): UnitProperty => [name, yes],
      ),
      ...unitProperties(withPlaceholder(resources)),
    ];
    await this.#units.startTransient(unitOf(cgroup), properties);
  }

  async amend(cgroup: Cgroup, resources: LiveResources): Promise<void> {
    const properties = unitProperties(resources);
    if (properties.length > 0) await this.#units.setProperties(unitOf(cgroup), properties);
  }

  async release(cgroup: Cgroup): Promise<void> {
    await this.#units.stop(unitOf(cgroup));
  }
}

/** The process around which the scope is made counts too, until `update` and `amend` set the limit that was meant. */
function withPlaceholder(resources: Resources): Resources {
  const { pids } = resources;
  return pids === undefined || pids.limit < 0 ? resources : { ...resources, pids: { limit: pids.limit + 1 } };
}

function unitOf(cgroup: Cgroup): string {
  return basename(cgroup.path);
}

/** `a-b.slice` lies in `a.slice`; `-.slice` is the root: systemd.slice(5). */
function slicePath(slice: string): string {
  if (slice === "-.slice") return "/";
  const name = /^([^/-]+(?:-[^/-]+)*)\.slice$/.exec(slice)?.[1];
  if (name === undefined) {
    const message = 'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"';
    throw failure("invalid-parameter", { message });
  }
  const words = name.split("-");
  return words.map((_, index) => `/${words.slice(0, index + 1).join("-")}.slice`).join("");
}
