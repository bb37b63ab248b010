/**
 * Volumes whose content lives only as long as they are mounted (tmpfs): one for all containers that have it at the same
 * time, gone with the last of them. Each is the only mount of a mount namespace of its own, which no process is in: the
 * shims of its containers hold it open, so the kernel counts for us, whatever becomes of the engine
 * (docs/decisions/no-host-mounts.md). By its inode's number it is found again among a shim's descriptors.
 * @module
 */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { failure } from "../errors/mod.ts";
import {
  attachMount,
  CLONE,
  CWD,
  flags,
  int,
  makeMount,
  MS,
  O,
  open,
  ProgramBuilder,
  type Executor,
  type Executors,
  type Out,
} from "../kernel/mod.ts";
import { parseMountOptions } from "../runtime/mod.ts";
import type { Container, ContainerStore } from "./container-store.ts";
import type { VolumeBacking } from "./container.ts";

const volatile: ReadonlySet<string> = new Set(["tmpfs", "ramfs"]);
/** Bytes of struct stat, and where the inode's number is in it, on x86-64 and arm64. */
const statSize = 144;
const inodeOffset = 8;
/** Milliseconds that mounting one may take. */
const patience = 30_000;

/** Whether what is in such a volume is gone when nobody has it mounted. */
export function isVolatile(backing: VolumeBacking | undefined): backing is VolumeBacking {
  return backing !== undefined && volatile.has(backing.type);
}

/** A namespace that is open here while containers start with it. */
interface Held {
  readonly opened: Promise<{ readonly descriptor: number; readonly inode: number }>;
  users: number;
}

/** Namespaces of the volumes that a container starts with, by the names of the volumes; let go of by disposing. */
export interface SharedNamespaces extends Disposable {
  readonly paths: ReadonlyMap<string, string>;
}

/** The engine's volatile volumes. */
export class SharedVolumes {
  readonly #executors: Pick<Executors, "session">;
  readonly #store: ContainerStore;
  readonly #held = new Map<string, Held>();

  constructor(executors: Pick<Executors, "session">, store: ContainerStore) {
    this.#executors = executors;
    this.#store = store;
  }

  /** Opens the namespaces of the container's volatile volumes, and notes in its state which they are. */
  async open(container: Container): Promise<SharedNamespaces> {
    const paths = new Map<string, string>();
    const names: string[] = [];
    const shared: Record<string, number> = {};
    const release = (): void => {
      for (const name of names) this.#release(name);
    };
    try {
      for (const { name, backing } of container.record.mounts) {
        if (name === undefined || !isVolatile(backing) || paths.has(name)) continue;
        const opened = this.#take(name, backing);
        names.push(name);
        const { descriptor, inode } = await opened;
        paths.set(name, `/proc/${process.pid}/fd/${descriptor}`);
        shared[name] = inode;
      }
    } catch (error) {
      release();
      throw error;
    }
    if (names.length > 0) {
      // Written down before anything runs: whoever comes later finds it by this.
      container.state.shared = shared;
      this.#store.save(container);
      this.#store.flush();
    }
    return { paths, [Symbol.dispose]: release };
  }

  #take(name: string, backing: VolumeBacking): Held["opened"] {
    let held = this.#held.get(name);
    if (held === undefined) {
      held = { opened: this.#find(name, backing), users: 0 };
      this.#held.set(name, held);
      held.opened.catch(() => undefined);
    }
    held.users++;
    return held.opened;
  }

  #release(name: string): void {
    const held = this.#held.get(name);
    if (held === undefined || --held.users > 0) return;
    this.#held.delete(name);
    held.opened.then(
      ({ descriptor }) => closeSync(descriptor),
      () => undefined,
    );
  }

  /** That of a running container, or a new one. */
  async #find(name: string, backing: VolumeBacking): Held["opened"] {
    for (const { running, state } of this.#store.all()) {
      const inode = state.shared?.[name];
      if (!running || inode === undefined) continue;
      const descriptor = openNamespace(parentOf(state.pid), inode);
      if (descriptor !== undefined) return { descriptor, inode };
    }
    const session = this.#executors.session();
    try {
      return await make(session, name, backing);
    } finally {
      session.kill();
    }
  }
}

/** The shim of a container's process. */
function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** Opens the mount namespace with this inode that a process has open; undefined if it hasn't. */
function openNamespace(pid: number, inode: number): number | undefined {
  try {
    const folder = `/proc/${pid}/fd`;
    const name = readdirSync(folder).find((entry) => linkOf(`${folder}/${entry}`) === `mnt:[${inode}]`);
    if (name === undefined) return undefined;
    const descriptor = openSync(`${folder}/${name}`, "r");
    if (fstatSync(descriptor).ino === inode) return descriptor;
    closeSync(descriptor);
  } catch {
    // It has just ended.
  }
  return undefined;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

async function make(
  session: Executor,
  name: string,
  backing: VolumeBacking,
): Promise<{ readonly descriptor: number; readonly inode: number }> {
  const { program, stat } = making(name, backing);
  const outcome = await session.run(program, { doing: "failed to mount local volume", deadline: patience });
  const bytes = outcome.bytesOf(stat);
  const inode = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(inodeOffset, true));
  const descriptor = openNamespace(session.pid, inode);
  if (descriptor !== undefined) return { descriptor, inode };
  throw failure("internal", { message: `the mount namespace of volume ${name} is gone` });
}

/** The program that makes a mount namespace with nothing but the volume in it; its descriptor stays in the session. */
function making(
  name: string,
  { type, device, options }: VolumeBacking,
): { readonly program: ReturnType<ProgramBuilder["build"]>; readonly stat: Out } {
  const b = new ProgramBuilder();
  const [namespace, context, mount, place] = [
    b.slot("mount namespace"),
    b.slot("fs context"),
    b.slot("mount"),
    b.slot("place"),
  ];
  b.call("go into a mount namespace of its own", "unshare", [flags(CLONE, "NEWNS")]);
  b.call("cut off the host's mount events", "mount", [0, "/", 0, flags(MS, "REC", "PRIVATE"), 0]);
  open(b, "open it", CWD, "/proc/self/ns/mnt", flags(O, "RDONLY", "CLOEXEC"), namespace);
  const { data } = parseMountOptions(name, options);
  const system = { type, options: [["source", device] as const, ...data], attributes: int(0, "0") };
  makeMount(b, `mount volume ${name}`, system, context, mount);
  open(b, "open the place for it", CWD, "/", flags(O, "PATH", "DIRECTORY", "CLOEXEC"), place);
  attachMount(b, "attach it", mount, place);
  b.call("go there", "fchdir", [mount]);
  b.call("make it the root", "pivot_root", [".", "."]);
  b.call("let go of the host's mounts", "umount2", [".", int(2, "MNT_DETACH")]);
  const stat = b.out(statSize);
  b.call("ask for the namespace's number", "fstat", [namespace, stat]);
  return { program: b.build(), stat };
}
