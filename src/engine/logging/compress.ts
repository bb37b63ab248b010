/**
 * Compresses the older files of logs, in the background, one at a time. The shim knows nothing of it but the names.
 * @module
 */
import { createReadStream, createWriteStream } from "node:fs";
import { stat, unlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { messageOf } from "../../errors/mod.ts";
import {
  close,
  CWD,
  errnoNumbers,
  flags,
  int,
  O,
  open,
  ProgramBuilder,
  struct,
  type Executors,
  type Int,
  type Program,
  type Slot,
} from "../../kernel/mod.ts";
import type { EngineLog } from "../services.ts";
import { closeFiles, openLogFiles, type LogFile } from "./files.ts";
import type { LogFilesPlan } from "./plan.ts";

/** How often a file's number is looked for anew, as the shim may rename it. */
const ATTEMPTS = 5;
/** Milliseconds in which the names are changed. */
const DEADLINE = 10_000;
const LOCK_EX = int(2, "LOCK_EX");
/** struct statx: its size, where the inode stands in it, and the mask that asks for that. */
const STATX = { size: 256, inode: 0x20, mask: int(0x100, "STATX_INO") };
const ALL_BITS = int(0xffff_ffff_ffff_ffffn, "~0");

/** Adds a check that `path` in `at` is the file with `inode`; else the program fails with ESTALE. */
function checkInode(b: ProgramBuilder, at: Slot | Int, path: string, inode: bigint): void {
  const out = b.out(STATX.size);
  const empty = path === "" ? int(0x1000, "AT_EMPTY_PATH") : int(0x100, "AT_SYMLINK_NOFOLLOW");
  b.call(`look at ${path}`, "statx", [at, path, empty, STATX.mask, out]);
  b.composite("is it the same file?", "compare", [
    { ...out, offset: out.offset + STATX.inode, size: 8 },
    ALL_BITS,
    int(inode),
    errnoNumbers.ESTALE,
  ]);
}

/** struct timespec twice: no access time, and `modified`. */
function times(modified: bigint): Uint8Array {
  const content = Buffer.alloc(32);
  const UTIME_OMIT = 0x3ffffffen;
  content.writeBigInt64LE(UTIME_OMIT, 8);
  content.writeBigInt64LE(modified / 1_000_000_000n, 16);
  content.writeBigInt64LE(modified % 1_000_000_000n, 24);
  return content;
}

/**
 * Puts `made`, compressed, in the place of the file that is `name` now, unless the shim renames meanwhile: it takes the
 * same lock on the file at `path`.
 */
function swapProgram(path: string, made: string, name: string, file: LogFile, current: bigint): Program {
  const b = new ProgramBuilder();
  const log = b.slot("log");
  open(b, `open ${path}`, CWD, path, flags(O, "RDONLY", "CLOEXEC"), log);
  b.call("hold up rotations", "flock", [log, LOCK_EX]);
  checkInode(b, log, "", current);
  checkInode(b, CWD, path, current);
  checkInode(b, CWD, name, file.inode);
  b.call("keep its time", "utimensat", [
    CWD,
    made,
    struct(times(file.modified), `[omit, ${file.modified}]`),
    0,
  ]);
  b.call(`name it ${name}.gz`, "renameat2", [CWD, made, CWD, `${name}.gz`, 0]);
  b.call(`remove ${name}`, "unlinkat", [CWD, name, 0]);
  close(b, log);
  return b.build();
}

/** The compressor of an engine. */
export class LogCompressor {
  readonly #executors: Executors;
  readonly #log: EngineLog;
  /** Logs whose turn comes. */
  readonly #waiting = new Map<string, LogFilesPlan>();
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(executors: Executors, log: EngineLog) {
    this.#executors = executors;
    this.#log = log;
  }

  /** Sees to the files of a log when there is time. Resolves when there is nothing left to do. */
  async see(plan: LogFilesPlan): Promise<void> {
    if (!plan.compress || this.#closed) return;
    this.#waiting.set(plan.path, plan);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    await this.#working;
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  async #work(): Promise<void> {
    for (;;) {
      const [plan] = this.#waiting.values();
      if (plan === undefined || this.#closed) return;
      this.#waiting.delete(plan.path);
      try {
        await this.#compressAll(plan);
      } catch (error) {
        this.#log.warn(`compress the log ${plan.path}: ${messageOf(error)}`);
      }
    }
  }

  async #compressAll({ path, sentOnly }: LogFilesPlan): Promise<void> {
    // Looked at first, since mostly there is nothing to do.
    if ((await stat(`${path}.1`).catch(() => undefined)) === undefined) return;
    const files = await openLogFiles(path);
    try {
      for (const file of files.slice(0, -1)) {
        if (!file.compressed && (file.marked || !sentOnly) && !this.#closed) await this.#compress(path, file);
      }
    } finally {
      await closeFiles(files);
    }
  }

  async #compress(path: string, file: LogFile): Promise<void> {
    const made = `${path}.compressing`;
    try {
      await pipeline(
        createReadStream(`/proc/self/fd/${file.handle.fd}`),
        createGzip({ level: 3 }),
        createWriteStream(made, { mode: 0o640 }),
      );
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const found = await this.#numberOf(path, file);
        if (found === undefined) break;
        try {
          const program = swapProgram(path, made, found.name, file, found.current);
          await this.#executors.warm().fork(program, { doing: "compress a log", deadline: DEADLINE });
          return;
        } catch (error) {
          this.#log.debug(messageOf(error));
        }
      }
    } catch (error) {
      await unlink(made).catch(() => undefined);
      throw error;
    }
    // It was rotated away.
    await unlink(made).catch(() => undefined);
  }

  /** What `file` is called now, and which file is written. */
  async #numberOf(path: string, file: LogFile): Promise<{ name: string; current: bigint } | undefined> {
    const files = await openLogFiles(path);
    try {
      const name = files.find(({ inode }) => inode === file.inode)?.path;
      const current = files.at(-1);
      if (name === undefined || name === path || current?.path !== path) return undefined;
      return { name, current: current.inode };
    } finally {
      await closeFiles(files);
    }
  }
}
