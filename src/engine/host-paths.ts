/**
 * What is at paths of the host that users name. Such a path may lie in a file system that never answers (FUSE, a file
 * server that is gone), so an executor of its own looks, with a deadline: the engine's thread waits for nobody.
 * @module
 */
import { dirname } from "node:path";
import { failure } from "../errors/mod.ts";
import {
  AT,
  close,
  CWD,
  descriptorPath,
  errnoNumbers,
  errnoText,
  flags,
  FS_MAGIC,
  int,
  mkdir,
  O,
  open,
  ProgramBuilder,
  S,
  type Executors,
  type Outcome,
  type Program,
} from "../kernel/mod.ts";
import { namesIn, treeFiles, type Stat } from "../storage/mod.ts";
import type { FoundDevice, HostDevice } from "./host-devices.ts";
import { PatientSession } from "./patient-session.ts";

/** What is at a path, links followed. */
export interface HostPath {
  /** Also of what can't be looked at, such as another user's FUSE file system. */
  readonly directory: boolean;
  /** Which file system it is on; undefined where that isn't told. */
  readonly device: string | undefined;
  /** Whether it is on a procfs. */
  readonly proc: boolean;
  /** Where it is with no link in it. */
  readonly path: string;
  /** Undefined for what is neither. */
  readonly kind?: "socket" | "file";
  /** If it is a device. */
  readonly file?: HostDevice;
}

/** What was found at paths; a path at which there is nothing is not in it. */
export type FoundPaths = ReadonlyMap<string, HostPath>;

/** Looks at paths of the host, and makes folders there. */
export interface HostPaths {
  /**
   * Throws `executor-lost` when a file system doesn't answer; the text names the path.
   * @param paths each is looked at once; none costs nothing
   */
  look(paths: Iterable<string>): Promise<FoundPaths>;
  /** Makes a folder, and those above it, of mode 0755. Throws in Docker's words. */
  makeFolder(path: string): Promise<void>;
  /** Devices at paths; one at which there is nothing is not in the answer. None costs nothing. */
  devices(paths: readonly string[]): Promise<ReadonlyMap<string, FoundDevice>>;
  /** The content of a file, up to a megabyte. Throws the kernel's error if it can't be read. */
  read(path: string): Promise<Uint8Array>;
  /** What is in folders; one that isn't there or can't be read is not in the answer. It isn't waited for as long as others. */
  names(folders: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Whether nothing is in the folder at `path`. Throws the kernel's error if it can't be read. */
  isEmpty(path: string): Promise<boolean>;
}

/** Sizes of struct statx and struct statfs (with room), PATH_MAX. */
const statSize = 256;
const typeMask = 0o170000;
const systemSize = 120;
const longest = 4096;
/** Bytes of struct linux_dirent64 of `.` and `..`, and room for one more with the longest name. */
const emptySize = 48;
const entriesSize = 512;
const fileLimit = 1 << 20;
/** Milliseconds for what somebody wants to know who asked for something else. */
const hurry = 5000;
const wanted = int(0x3, "STATX_TYPE|STATX_MODE");

/** Those of this machine, by executors. */
export class ExecutedHostPaths implements HostPaths {
  readonly #executors: Pick<Executors, "session">;

  constructor(executors: Pick<Executors, "session">) {
    this.#executors = executors;
  }

  async look(paths: Iterable<string>): Promise<FoundPaths> {
    const found = new Map<string, HostPath>();
    const asked = [...new Set(paths)].filter((path) => path !== "" && !path.includes("\0"));
    if (asked.length === 0) return found;
    using session = this.#session();
    for (const path of asked) {
      const { program, read } = looking(path);
      const answer = read(await session.run(program, { doing: `look at ${path}` }));
      if (answer !== undefined) found.set(path, answer);
    }
    return found;
  }

  async makeFolder(path: string): Promise<void> {
    using session = this.#session();
    const { program, errorOf } = making(path);
    const why = errorOf(await session.run(program, { doing: `make ${path}` }));
    if (why === undefined) return;
    const message = `error while creating mount source path '${path}': ${why}`;
    throw failure("invalid-parameter", { message });
  }

  async devices(paths: readonly string[]): Promise<ReadonlyMap<string, FoundDevice>> {
    const found = new Map<string, FoundDevice>();
    if (paths.length === 0) return found;
    for (const [path, { directory, file }] of await this.look(paths)) {
      if (file !== undefined) found.set(path, { device: file });
      else if (directory) found.set(path, { below: await this.#devicesBelow(path) });
      else found.set(path, {});
    }
    return found;
  }

  async #devicesBelow(folder: string): Promise<(HostDevice & { readonly path: string })[]> {
    using session = this.#session();
    const found: (HostDevice & { readonly path: string })[] = [];
    for await (const { path, stat } of treeFiles(session, folder)) {
      const device = deviceFile(stat);
      if (device !== undefined) found.push({ ...device, path: path.join("/") });
    }
    return found;
  }

  async read(path: string): Promise<Uint8Array> {
    using session = this.#session();
    const b = new ProgramBuilder();
    const file = b.slot("file");
    const content = b.out(fileLimit);
    open(b, `open ${path}`, CWD, path, flags(O, "RDONLY", "NONBLOCK", "CLOEXEC"), file);
    const read = b.call("read it", "read", [file, content, fileLimit]);
    const outcome = await session.run(b.build(), { doing: `read ${path}` });
    return outcome.bytesOf(content).subarray(0, outcome.valueOf(read) ?? 0);
  }

  async names(folders: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>();
    if (folders.length === 0) return found;
    using session = this.#session(hurry);
    for (const folder of folders) {
      const names = await namesIn(session, folder);
      if (names !== undefined) found.set(folder, names);
    }
    return found;
  }

  async isEmpty(path: string): Promise<boolean> {
    using session = this.#session();
    const b = new ProgramBuilder();
    const folder = b.slot("folder");
    open(b, `open ${path}`, CWD, path, flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), folder);
    const read = b.call("read it", "getdents64", [folder, b.out(entriesSize), entriesSize]);
    const outcome = await session.run(b.build(), { doing: `look into ${path}` });
    return (outcome.valueOf(read) ?? 0) <= emptySize;
  }

  #session(most?: number): PatientSession {
    return new PatientSession(this.#executors.session(), "look at paths of the host", most);
  }
}

interface Looking {
  readonly program: Program;
  readonly read: (outcome: Outcome) => HostPath | undefined;
}

function looking(path: string): Looking {
  const b = new ProgramBuilder();
  const file = b.slot("file");
  const [stat, system, target] = [b.out(statSize), b.out(systemSize), b.out(longest)];
  const lax = { tolerate: "any", optional: true } as const;
  const how = flags(O, "PATH", "CLOEXEC");
  const opened = open(b, `look for ${path}`, CWD, path, how, file, { tolerate: "any" });
  const link = descriptorPath(file);
  const read = b.call("where is it?", "readlinkat", [CWD, link, target, longest], lax);
  const looked = b.call("what is it?", "statx", [file, "", flags(AT, "EMPTY_PATH"), wanted, stat], lax);
  const asked = b.call("what file system is it on?", "fstatfs", [file, system], lax);
  close(b, file, true);
  return {
    program: b.build(),
    read: (outcome) => {
      if ((outcome.valueOf(opened) ?? -1) < 0) return undefined;
      const length = outcome.valueOf(read) ?? -1;
      const view = viewOf(outcome.bytesOf(stat));
      const isKnown = outcome.valueOf(looked) === 0;
      const type = isKnown ? view.getUint16(0x1c, true) & typeMask : 0;
      const kind = type === S.values.IFSOCK ? "socket" : type === S.values.IFREG ? "file" : undefined;
      const file = !isKnown
        ? undefined
        : deviceFile({
            mode: view.getUint16(0x1c, true),
            major: view.getUint32(0x80, true),
            minor: view.getUint32(0x84, true),
          });
      return {
        ...(file === undefined ? {} : { file }),
        ...(kind === undefined ? {} : { kind }),
        directory: !isKnown || type === S.values.IFDIR,
        device: isKnown ? `${view.getUint32(0x88, true)}:${view.getUint32(0x8c, true)}` : undefined,
        proc:
          outcome.valueOf(asked) === 0 &&
          viewOf(outcome.bytesOf(system)).getUint32(0, true) === FS_MAGIC.values.PROC,
        path: length < 0 ? path : Buffer.from(outcome.bytesOf(target).subarray(0, length)).toString("utf8"),
      };
    },
  };
}

/** What statx(2) says of a device; undefined if it is none. */
function deviceFile({ mode, major, minor }: Pick<Stat, "mode" | "major" | "minor">): HostDevice | undefined {
  const type = mode & typeMask;
  if (type !== S.values.IFCHR && type !== S.values.IFBLK) return undefined;
  return { type: type === S.values.IFBLK ? "b" : "c", major, minor, mode: mode & 0o777 };
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** The folder and those above it, from the top; what is there already answers EEXIST. */
function making(path: string): {
  readonly program: Program;
  readonly errorOf: (outcome: Outcome) => string | undefined;
} {
  const b = new ProgramBuilder();
  const folders: string[] = [];
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) folders.unshift(folder);
  const made = folders.map((folder) => ({
    folder,
    result: mkdir(b, `make ${folder}`, CWD, folder, 0o755, { tolerate: "any" }),
  }));
  return {
    program: b.build(),
    errorOf: (outcome) => {
      const { folder = path, result } = made.at(-1) ?? {};
      const error = result === undefined ? 0 : (outcome.valueOf(result) ?? 0);
      if (error >= 0 || error === -errnoNumbers.EEXIST) return undefined;
      // The highest one that failed says why.
      const first = made.find(({ result: each }) => {
        const value = outcome.valueOf(each) ?? 0;
        return value < 0 && value !== -errnoNumbers.EEXIST;
      });
      const number = first === undefined ? error : (outcome.valueOf(first.result) ?? error);
      return `mkdir ${first?.folder ?? folder}: ${errnoText(-number)}`;
    },
  };
}
