/**
 * The image that tests run: Debian's static busybox, imported as a root file system.
 * @module
 */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestEngine } from "./engine.ts";

const busybox = "/bin/busybox";
let archive: Buffer | undefined;

/** A tar archive of a small root file system: busybox under all of its names, users root and nobody. */
export function busyboxArchive(): Buffer {
  if (archive !== undefined) return archive;
  const root = mkdtempSync(join(tmpdir(), "caisson-rootfs."));
  try {
    for (const directory of ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "var"])
      mkdirSync(join(root, directory));
    chmodSync(root, 0o755);
    chmodSync(join(root, "tmp"), 0o1777);
    copyFileSync(busybox, join(root, "bin/busybox"));
    chmodSync(join(root, "bin/busybox"), 0o755);
    const names = spawnSync(busybox, ["--list"], { encoding: "utf8" }).stdout.trim().split("\n");
    for (const name of names) if (name !== "busybox") symlinkSync("busybox", join(root, "bin", name));
    writeFileSync(
      join(root, "etc/passwd"),
      "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    );
    writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
    const tar = spawnSync("tar", ["--numeric-owner", "--owner=0", "--group=0", "-C", root, "-c", "."], {
      maxBuffer: 1 << 28,
    });
    if (tar.status !== 0) throw new Error(`tar: ${tar.stderr.toString("utf8")}`);
    archive = tar.stdout;
    return archive;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Imports the busybox image into `engine` under `name:tag` and returns its ID. */
export async function importBusybox(
  engine: Pick<TestEngine, "request">,
  name = "busybox",
  tag = "latest",
): Promise<string> {
  const query = new URLSearchParams({ fromSrc: "-", repo: name, tag });
  query.append("changes", 'CMD ["sh"]');
  query.append("changes", "ENV PATH=/bin");
  const answer = await engine.request("POST", `/images/create?${query.toString()}`, busyboxArchive());
  const lines = answer.body.toString("utf8").trim().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "{}") as { readonly status?: string };
  if (answer.status !== 200 || last.status?.startsWith("sha256:") !== true) {
    throw new Error(`import ${name}: ${answer.status} ${answer.body.toString("utf8")}`);
  }
  return last.status;
}
