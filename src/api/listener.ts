/**
 * Unix sockets that the API is reached at.
 * @module
 */
import { chmod, chown, lstat, mkdir, readFile, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { failure, messageOf } from "../errors/mod.ts";

/** The kernel's limit: 108 bytes with the zero at the end (unix(7)). */
const longestPath = 107;

/** A socket that is listened at. */
export interface Listener {
  /** As it is told to the operator: a path, or `127.0.0.1:2376`. */
  readonly address: string;
  /** Stops listening and removes what was made for it, unless another engine has put its own there. */
  close(): Promise<void>;
}

/** Checks the path of a unix socket. Throws for what can't be listened at. */
export function socketPath(path: string): string {
  if (!path.startsWith("/"))
    throw failure("invalid-parameter", {
      message: `invalid host unix://${path}: it must be unix:// and an absolute path`,
    });
  const length = Buffer.byteLength(path);
  if (length > longestPath || Buffer.byteLength(temporaryPath(path)) > longestPath)
    throw failure("invalid-parameter", {
      message: `the socket's path ${path} has ${length} bytes: the kernel takes at most ${longestPath}`,
    });
  return path;
}

/** Where a socket is made ready; shorter than the usual names, so that it fits wherever they do. */
function temporaryPath(path: string): string {
  return join(dirname(path), `.${process.pid.toString(36)}`);
}

/**
 * Listens at a path. The socket appears there whole, with mode 0660 and its group, in the place of one that nobody
 * listens at any more; missing directories are made for root alone. Throws if another process listens there.
 */
export async function listen(
  path: string,
  accept: (socket: Socket) => void,
  group: string | undefined,
): Promise<Listener> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await refuseOccupied(path);
  const temporary = temporaryPath(path);
  await rm(temporary, { force: true });
  const server = createServer({ allowHalfOpen: true }, accept);
  await bind(server, temporary);
  try {
    await chmod(temporary, 0o660);
    const gid = await groupId(group ?? "docker");
    if (gid !== undefined && process.getuid?.() === 0) await chown(temporary, 0, gid);
    else if (group !== undefined)
      throw failure("invalid-parameter", { message: `the socket ${path}: there is no group ${group}` });
    await rename(temporary, path);
  } catch (error) {
    server.close();
    await rm(temporary, { force: true });
    throw error;
  }
  const { ino, dev } = await lstat(path);
  return {
    address: path,
    close: async () => {
      server.close();
      const now = await lstat(path).catch(() => undefined);
      if (now?.ino === ino && now.dev === dev) await rm(path, { force: true });
    },
  };
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(failure("internal", { message: `listen at ${path}: ${error.message}` }, error));
    server.once("error", fail);
    server.listen(path, () => {
      server.off("error", fail);
      resolve();
    });
  });
}

async function refuseOccupied(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw failure("conflict", { message: `${path} exists and is not a socket` });
  if (await answers(path))
    throw failure("conflict", {
      message: `another process listens at ${path}: stop it or choose another socket`,
    });
}

/** Whether a process listens: a stale socket refuses connections. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function groupId(name: string): Promise<number | undefined> {
  const groups = await readFile("/etc/group", "utf8").catch((error: unknown) => messageOf(error));
  const fields = groups
    .split("\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.split(":");
  const id = Number(fields?.[2]);
  return fields === undefined || Number.isNaN(id) ? undefined : id;
}
