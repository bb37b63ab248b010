/**
 * What the storage tests have in common: a driver in a folder of its own, and a canary outside of it.
 * @module
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setDefaultTimeout } from "bun:test";
import { layerChanges, readTar, writeTar, type EntryInput } from "../../src/image/mod.ts";
import { Executor, ProgramBuilder } from "../../src/kernel/mod.ts";
import { Overlay2 } from "../../src/storage/overlay2.ts";
import { binary } from "../native/programs.ts";

// What is unpacked here takes milliseconds, but the machine may be busy with other things.
setDefaultTimeout(60_000);

/** Host ids of no one. */
export const owner: { readonly uid: number; readonly gid: number } = { uid: 1_900_000, gid: 1_900_001 };

/** A chain ID for each hexadecimal digit. */
export function chain(digit: string): string {
  return `sha256:${digit.repeat(64)}`;
}

/** A file of an archive. */
export function file(path: string, content: string = "", more: Partial<EntryInput> = {}): EntryInput {
  return { type: "file", path, size: content.length, body: Buffer.from(content), ...more };
}

/** What the promise is rejected with; a text that no test expects if it isn't. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return "it was not rejected";
}

/** A driver with its executor in a folder that is removed at the end. */
export interface World extends AsyncDisposable {
  readonly directory: string;
  readonly root: string;
  readonly executor: Executor;
  readonly driver: Overlay2;
  readonly session: () => Executor;
  /** Unpacks a layer from an archive's entries. */
  layer(digit: string, entries: readonly EntryInput[], parent?: string): Promise<void>;
  /** Unpacks a layer from an archive's bytes. */
  archive(digit: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Where the layer lies. */
  diff(digit: string): string;
  /** An extended attribute as text; empty if there is none. */
  xattr(path: string, name: string): Promise<string>;
  /** Everything about the files beside the driver's: nothing may change it. */
  canary(): string;
}

/** Makes a world. */
export async function world(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), "caisson-storage-"));
  const root = join(directory, "overlay2");
  mkdirSync(join(directory, "canary", "folder"), { recursive: true });
  writeFileSync(join(directory, "canary", "file"), "canary");
  writeFileSync(join(directory, "canary", "folder", "file"), "canary");
  const executor = Executor.start(binary);
  const session = (): Executor => Executor.start(binary);
  const driver = await Overlay2.open({ root, executor: () => executor, session });
  const archive = async (digit: string, bytes: AsyncIterable<Uint8Array>, parent?: string): Promise<void> =>
    await driver.unpack({
      chainId: chain(digit),
      ...(parent === undefined ? {} : { parent: chain(parent) }),
      changes: layerChanges(readTar(bytes)),
    });
  return {
    directory,
    root,
    executor,
    driver,
    session,
    archive,
    layer: async (digit, entries, parent) => await archive(digit, writeTar(entries), parent),
    diff: (digit) => join(root, "layers", digit.repeat(64), "diff"),
    xattr: async (path, name) => await xattrOf(executor, path, name),
    canary: () => fingerprint(directory, ["overlay2"]),
    async [Symbol.asyncDispose]() {
      await driver.idle();
      executor.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function xattrOf(executor: Executor, path: string, name: string): Promise<string> {
  const b = new ProgramBuilder();
  const out = b.out(256);
  const call = b.call("read it", "lgetxattr", [path, name, out, 256], { tolerate: ["ENODATA"] });
  const outcome = await executor.run(b.build());
  const length = Math.max(outcome.valueOf(call) ?? 0, 0);
  return Buffer.from(outcome.bytesOf(out).subarray(0, length)).toString("latin1");
}

/** A digest of names, inodes, modes, owners, times of change and content below the directory. */
export function fingerprint(directory: string, without: readonly string[] = []): string {
  const hash = createHash("sha256");
  const visit = (path: string): void => {
    const stat = lstatSync(path, { bigint: true });
    const { mode, uid, gid, nlink, size, ino, ctimeNs } = stat;
    hash.update(`${path} ${mode} ${uid} ${gid} ${nlink} ${size} ${ino} ${ctimeNs}\n`);
    if (stat.isDirectory())
      for (const name of readdirSync(path).sort()) {
        if (path !== directory || !without.includes(name)) visit(join(path, name));
      }
    else if (stat.isFile()) hash.update(readFileSync(path));
  };
  visit(directory);
  return hash.digest("hex");
}
