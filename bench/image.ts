/**
 * The image that all engines run: Debian's static busybox.
 * @module
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../src/errors/mod.ts";
import { output, type Scratch } from "./scratch.ts";

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));

/** A root file system of busybox as a folder; made once per run. */
export async function rootFileSystem(scratch: Scratch): Promise<string> {
  const root = join(scratch.folder, "rootfs");
  if (existsSync(root)) return root;
  if (busybox === undefined)
    throw failure("missing-program", {
      program: "busybox",
      purpose: "make an image to run",
      package: "busybox-static",
    });
  for (const name of ["bin", "etc", "tmp", "proc", "sys", "dev", "root", "var"])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync(busybox, join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  for (const applet of (await output([busybox, "--list"])).trim().split("\n"))
    if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
  chmodSync(join(root, "tmp"), 0o1777);
  return root;
}

/** The same as a tar archive. */
export async function imageTar(scratch: Scratch): Promise<string> {
  const tar = join(scratch.folder, "busybox.tar");
  if (!existsSync(tar)) await output(["tar", "-C", await rootFileSystem(scratch), "-cf", tar, "."]);
  return tar;
}
