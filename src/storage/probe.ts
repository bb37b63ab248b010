/**
 * What the file system under a directory can do, found by doing it.
 * @module
 */
import { isFull, messageOf } from "../errors/mod.ts";
import {
  CLONE,
  cloneTree,
  CWD,
  flags,
  makeOverlay,
  MOUNT_ATTR,
  O,
  octal,
  open,
  ProgramBuilder,
  setMountAttributes,
  text,
  writeProc,
  type Executor,
  type Program,
} from "../kernel/mod.ts";

/** An answer; `reason` is for people. */
export type Probed =
  | { readonly supported: true }
  | {
      readonly supported: false;
      readonly reason: string;
      /** There was no room to find out. */
      readonly full: boolean;
    };

/** Milliseconds that a file system may take for an answer. */
const deadline = 5000;
/** Any range of ids that are not themselves inside. */
const range = "0 1879048192 65536\n";

let counter = 0;

/**
 * Whether the files below the directory `path` can be shown with other owners (mount_setattr(2), MOUNT_ATTR_IDMAP):
 * what a container with a user namespace of its own needs of layers, volumes and bind mounts.
 */
export async function probeIdmap(executor: Executor, path: string): Promise<Probed> {
  return await tried(executor, idmapping(path), `map the ids of ${path}`);
}

/** Like {@link Probed}; `staged`: the kernel takes only layers that are mounted. */
export type ProbedOverlay = Probed & { readonly staged: boolean };

/** Whether, and how, an overlay can have its directories in the directory `path`, which must be there. */
export async function probeOverlay(executor: Executor, path: string): Promise<ProbedOverlay> {
  const detached = await probeAssembly(executor, path, false);
  return detached.supported || detached.full
    ? { ...detached, staged: false }
    : { ...(await probeAssembly(executor, path, true)), staged: true };
}

async function probeAssembly(executor: Executor, path: string, staged: boolean): Promise<Probed> {
  const name = `probe-${process.pid}-${counter++}`;
  try {
    return await tried(executor, overlaying(`${path}/${name}`, staged), `mount an overlay in ${path}`);
  } finally {
    await executor.fork(removing(path, name), { doing: "remove what probing made", deadline });
  }
}

async function tried(executor: Executor, program: Program, doing: string): Promise<Probed> {
  try {
    await executor.fork(program, { doing, deadline });
    return { supported: true };
  } catch (error) {
    return { supported: false, reason: messageOf(error), full: isFull(error) };
  }
}

function idmapping(path: string): Program {
  const b = new ProgramBuilder();
  const channel = b.slot("channel");
  const user = b.slot("user namespace");
  const tree = b.slot("mount");
  const child = b.clone("make a user namespace", { flags: flags(CLONE, "NEWUSER"), channel }, () => {
    b.composite("wait until it has been taken", "await", [channel, 1]);
  });
  writeProc(b, "map its user ids", text("/proc/", child, "/uid_map"), range);
  writeProc(b, "map its group ids", text("/proc/", child, "/gid_map"), range);
  const namespace = text("/proc/", child, "/ns/user");
  open(b, "take the user namespace", CWD, namespace, flags(O, "RDONLY", "CLOEXEC"), user);
  b.composite("let the child go", "sync", [channel, 0]);
  cloneTree(b, `take ${path}`, CWD, path, tree);
  setMountAttributes(b, `map the ids of ${path}`, tree, { idmap: user });
  return b.build();
}

function overlaying(directory: string, staged: boolean): Program {
  const b = new ProgramBuilder();
  const layer = b.slot("layer");
  const context = b.slot("file system");
  const mount = b.slot("mount");
  for (const name of ["", "/lower", "/upper", "/work"])
    b.call(`make ${directory}${name}`, "mkdirat", [CWD, `${directory}${name}`, octal(0o700)]);
  cloneTree(b, "take the layer", CWD, `${directory}/lower`, layer);
  const upper = { path: `${directory}/upper`, work: `${directory}/work` };
  const overlay = { lower: [layer], upper, options: [], attributes: flags(MOUNT_ATTR) };
  makeOverlay(b, "mount", overlay, staged, context, mount);
  return b.build();
}

function removing(path: string, name: string): Program {
  const b = new ProgramBuilder();
  const parent = b.slot("directory");
  open(b, `open ${path}`, CWD, path, flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), parent);
  b.composite(`remove ${name}`, "remove", [parent, name]);
  return b.build();
}
