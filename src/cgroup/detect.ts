/**
 * Looks once how the host's cgroups are set up. The only code here that reads the machine, and it can be given a fake one.
 * Format: proc_pid_mountinfo(5), cgroups(7).
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import type { CgroupHost, Hierarchy } from "./types.ts";

/** The files that detection needs; undefined and empty for what is missing. */
export interface HostFiles {
  read(path: string): string | undefined;
  list(path: string): readonly string[];
}

const realFiles: HostFiles = {
  read(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  list(path) {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
};

interface Mount {
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly options: readonly string[];
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function cgroupMounts(mountinfo: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const [, , , root = "", mountPoint = ""] = left.split(" ");
    const [type = "", , options = ""] = right.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") continue;
    mounts.push({
      root: unescape(root),
      mountPoint: unescape(mountPoint),
      type,
      options: options.split(","),
    });
  }
  return mounts;
}

/** `path` of /proc/self/cgroup as seen from a mount whose root is `root`. */
function below(root: string, path: string): string {
  if (root === "/") return path.startsWith("/..") ? "/" : path;
  if (path === root) return "/";
  return path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
}

/** How the host's cgroups are set up. Hierarchies that aren't mounted don't count. */
export function detectCgroups(files: HostFiles = realFiles): CgroupHost {
  const mounts = cgroupMounts(files.read("/proc/self/mountinfo") ?? "");
  const first: Hierarchy[] = [];
  let second: Hierarchy | undefined;
  for (const line of (files.read("/proc/self/cgroup") ?? "").split("\n")) {
    const [id, names, path] = /^(\d+):([^:]*):(.*)$/.exec(line)?.slice(1) ?? [];
    if (names === undefined || path === undefined) continue;
    if (id === "0") {
      const mount = mounts.find(({ type }) => type === "cgroup2");
      if (mount === undefined) continue;
      const { mountPoint, root } = mount;
      const controllers = (files.read(`${mountPoint}/cgroup.controllers`) ?? "").split(/\s+/).filter(Boolean);
      second = { version: 2, controllers, mountPoint, own: below(root, path) };
    } else {
      const controllers = names.split(",");
      const mount = mounts.find(
        ({ type, options }) => type === "cgroup" && controllers.every((name) => options.includes(name)),
      );
      if (mount === undefined) continue;
      const { mountPoint, root } = mount;
      first.push({ version: 1, controllers, mountPoint, own: below(root, path) });
    }
  }
  const version = first.some(({ controllers }) => !isNamed(controllers)) || second === undefined ? 1 : 2;
  const hierarchies = version === 1 || second === undefined ? first : [second];
  const host = {
    version,
    hybrid: version === 1 && second !== undefined,
    hierarchies,
    files: new Map(
      hierarchies.map(({ mountPoint, own }) => [
        mountPoint,
        new Set(files.list(version === 2 && own !== "/" ? mountPoint + own : mountPoint)),
      ]),
    ),
  } as const;
  const cpuset = first.find(({ controllers }) => controllers.includes("cpuset"))?.mountPoint;
  if (version === 2 || cpuset === undefined) return host;
  const cpus = files.read(`${cpuset}/cpuset.cpus`)?.trim() ?? "";
  const mems = files.read(`${cpuset}/cpuset.mems`)?.trim() ?? "";
  return { ...host, cpuset: { cpus, mems } };
}

function isNamed(controllers: readonly string[]): boolean {
  return controllers.every((name) => name.startsWith("name="));
}
