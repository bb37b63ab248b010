/**
 * A container's cgroup of version 2, as the kernel has it.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pidOf } from "../support/containers.ts";
import type { TestEngine } from "../support/engine.ts";

/** Where a container's cgroup lies for each driver, from the top, unless it has a parent of its own. */
export const usualPlace: Readonly<Record<"cgroupfs" | "systemd", (id: string) => string>> = {
  cgroupfs: (id) => `/docker/${id}`,
  systemd: (id) => `/system.slice/docker-${id}.scope`,
};

/** The cgroup of a running container's first process, from the top: `/docker/ID`. */
export async function placeOf(engine: TestEngine, container: string): Promise<string> {
  const text = readFileSync(`/proc/${await pidOf(engine, container)}/cgroup`, "utf8");
  return /^0::(.*)$/m.exec(text)?.[1] ?? "";
}

/** The directory of the cgroup at `place`. */
export function directoryAt(place: string): string {
  return join("/sys/fs/cgroup", place);
}

/** A file of a running container's cgroup; undefined if there is none. */
export async function cgroupFile(
  engine: TestEngine,
  container: string,
  file: string,
): Promise<string | undefined> {
  const path = join(directoryAt(await placeOf(engine, container)), file);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}

/** Several files of a running container's cgroup. */
export async function cgroupFiles(
  engine: TestEngine,
  container: string,
  files: readonly string[],
): Promise<Readonly<Record<string, string | undefined>>> {
  const found = files.map(async (file) => [file, await cgroupFile(engine, container, file)] as const);
  return Object.fromEntries(await Promise.all(found));
}
