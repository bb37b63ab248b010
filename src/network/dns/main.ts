/**
 * The resolver's process: `caisson resolver DIRECTORY`. It belongs to no engine: it goes on while engines come and go, and
 * leaves when there is no container and no engine any more. Lean: it loads sockets and files, nothing else of the engine.
 * @module
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { serveControl } from "./control.ts";
import { Forwarder } from "./forward.ts";
import { controlSocket, lockFile, relaySocket, stateFile } from "./places.ts";
import { RelaySessions } from "./relays.ts";
import { StateFile } from "./state-file.ts";
import { HostServers } from "./upstreams.ts";
import { Zone } from "./zone.ts";

/** Milliseconds without a relay and an engine after which the resolver leaves. */
const idle = 10_000;

/**
 * Answers until nobody needs it. In `directory` are its sockets, its lock and its memory.
 * @param version names the build that this is: when an engine of another one connects, this resolver makes room
 * @param resolvConf the host's, whose servers are asked for what isn't known here
 * @returns the exit code: 0, also when another resolver is there already
 */
export async function runResolver(
  directory: string,
  version = "",
  resolvConf = "/etc/resolv.conf",
): Promise<number> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Sockets are made with it: there is no moment in which others can connect.
  process.umask(0o177);
  if (!takeLock(directory)) return 0;
  const zone = new Zone();
  const memory = new StateFile(stateFile(directory), () => zone.state());
  const remembered = memory.read();
  if (remembered !== undefined) zone.replace(remembered);
  const sources = { zone, forwarder: new Forwarder(), host: new HostServers(resolvConf) };
  const relays = new RelaySessions(sources);
  const ended = Promise.withResolvers<number>();
  const leaving = new Departure(() => ended.resolve(0));
  const relayServer = await listen(relaySocket(directory), (socket) => {
    relays.take(socket);
    leaving.stayFor(socket);
  });
  const controlServer = await listen(controlSocket(directory), (socket) => {
    leaving.stayFor(socket);
    serveControl(socket, zone, {
      version,
      leave: () => ended.resolve(0),
      changed: () => {
        memory.changed();
        relays.retry();
      },
    });
  });
  process.on("SIGTERM", () => ended.resolve(0));
  const code = await ended.promise;
  relayServer.close();
  controlServer.close();
  memory.close();
  for (const path of [relaySocket(directory), controlSocket(directory), lockFile(directory)])
    rmSync(path, { force: true });
  return code;
}

/** Leaves when no connection has been open for a while. */
class Departure {
  readonly #leave: () => void;
  #connections = 0;
  #timer: NodeJS.Timeout;

  constructor(leave: () => void) {
    this.#leave = leave;
    this.#timer = setTimeout(leave, idle);
  }

  stayFor(socket: Socket): void {
    this.#connections += 1;
    clearTimeout(this.#timer);
    socket.on("close", () => {
      this.#connections -= 1;
      if (this.#connections === 0) this.#timer = setTimeout(this.#leave, idle);
    });
  }
}

async function listen(path: string, take: (socket: Socket) => void): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, take);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return server;
}

/** Makes the lock; false when its holder is alive. */
function takeLock(directory: string): boolean {
  const path = lockFile(directory);
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return true;
    } catch {
      if (holderLives(path, directory)) return false;
      rmSync(path, { force: true });
    }
  }
  return false;
}

/** Whether the process that the lock names is a resolver: the number may be another program's by now. */
function holderLives(path: string, directory: string): boolean {
  try {
    const pid = Number.parseInt(readFileSync(path, "latin1"), 10);
    // Between making the file and writing into it there is a moment without an owner; the engine tries again.
    if (!(pid > 0)) return false;
    if (pid === process.pid) return false;
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes("resolver") && words.includes(directory);
  } catch {
    return false;
  }
}
