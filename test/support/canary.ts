/**
 * What crafted images aim at: a folder with a file of the test's own, and places of the host that nobody may touch.
 * @module
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder with `etc/canary` in it. */
export class Canary implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "caisson-canary."));

  constructor() {
    mkdirSync(join(this.folder, "etc"));
    writeFileSync(join(this.folder, "etc/canary"), "unharmed", { mode: 0o600 });
  }

  /** A digest of everything that the attacks aim at. */
  state(): string {
    const hash = createHash("sha256");
    const add = (path: string): void => {
      const { mode, uid, gid, size, mtimeMs, ino } = lstatSync(path);
      hash.update([path, mode, uid, gid, size, mtimeMs, ino].join("|"));
    };
    for (const path of readdirSync(this.folder, { recursive: true }) as string[])
      add(join(this.folder, path));
    hash.update(readFileSync(join(this.folder, "etc/canary")));
    for (const path of ["/etc", "/etc/passwd", "/etc/shadow", "/", "/tmp/.."]) add(path);
    for (const path of ["/etc/canary", "/canary", "/x", "/tmp/x", "/su"])
      hash.update(String(lstatSync(path, { throwIfNoEntry: false }) === undefined));
    hash.update(readFileSync("/proc/sys/kernel/core_pattern"));
    return hash.digest("hex");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
