/**
 * Starting the roles `proxy` and `relay` as the engine does: from a program, with sockets that it bound.
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { Executor, flags, int, O, ProgramBuilder, struct, vector, type Slot } from "../../src/kernel/mod.ts";
import { binary, CWD, NONE } from "./programs.ts";
import { until } from "./shims.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const CLOEXEC = 0o2000000;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** A socket that a role gets: bound to a loopback address, and listening if it is one of streams. */
export interface Listener {
  readonly type: "stream" | "datagram";
  readonly family: 4 | 6;
  readonly port: number;
}

function address({ family, port }: Listener): Uint8Array {
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  if (family === 4) bytes.set([127, 0, 0, 1], 4);
  else bytes[23] = 1;
  return bytes;
}

function listen(b: ProgramBuilder, listener: Listener): Slot {
  const slot = b.slot(`${listener.type} socket ${listener.port}`);
  const type = (listener.type === "stream" ? 1 : 2) | CLOEXEC;
  const where = address(listener);
  b.call("make a socket", "socket", [listener.family === 4 ? AF_INET : AF_INET6, int(type, "type"), 0], {
    into: slot,
  });
  b.call("bind it", "bind", [slot, struct(where, "loopback"), where.length]);
  if (listener.type === "stream") b.call("listen", "listen", [slot, 4096]);
  return slot;
}

/**
 * Starts a role with `descriptors` from 3 on (a path: that file, for writing). It ends with this process.
 * @returns its pid
 */
export async function startRole(
  argv: readonly string[],
  descriptors: readonly (Listener | string)[],
): Promise<number> {
  const executor = Executor.start(binary);
  const b = new ProgramBuilder();
  const [channel, pidfd] = [b.slot("channel"), b.slot("pidfd")];
  const slots = descriptors.map((descriptor, i) => {
    if (typeof descriptor !== "string") return listen(b, descriptor);
    const slot = b.slot(`file ${i}`);
    const how = flags(O, "WRONLY", "CREAT", "CLOEXEC");
    b.call(`open ${descriptor}`, "openat", [CWD, descriptor, how, 0o600], { into: slot });
    return slot;
  });
  const pid = b.clone("start the role", { flags: NONE, channel, pidfd }, () => {
    b.call("end with the executor", "prctl", [int(PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"), SIGKILL, 0, 0, 0]);
    slots.forEach((slot, i) =>
      b.call("move it", "fcntl", [slot, int(1030, "F_DUPFD_CLOEXEC"), 64 + i], { into: slot }),
    );
    slots.forEach((slot, i) => b.call("give it", "dup3", [slot, 3 + i, 0]));
    b.call("execute", "execve", ["/proc/self/exe", vector(argv), vector([])]);
  });
  b.composite("wait until it executes", "await", [channel, 2]);
  const outcome = await executor.run(b.build());
  return Number(outcome.valueOf(pid));
}

/** What a proxy says when it doesn't start. */
export interface Refusal {
  readonly status: string;
  readonly complaint: string;
}

/** Starts a proxy with arguments that it refuses, and no socket. */
export async function refusal(args: readonly string[]): Promise<Refusal> {
  const child = spawn(binary, args, { argv0: "caisson-proxy", stdio: ["ignore", "ignore", "pipe", "pipe"] });
  const texts = ["", ""];
  const ends = [child.stdio[3], child.stderr].map((stream, i) => {
    stream?.on("data", (data: Buffer) => (texts[i] += data.toString()));
    return stream === null || stream === undefined ? Promise.resolve() : once(stream, "end");
  });
  await Promise.all(ends);
  return { status: texts[0] ?? "", complaint: texts[1] ?? "" };
}

/**
 * Starts a proxy with a listener of the loopback address, and waits until it serves.
 * @returns its pid
 */
export async function startProxy(args: readonly string[], listener: Listener): Promise<number> {
  const pid = await startRole(["caisson-proxy", ...args], ["/dev/null", listener]);
  const serves = (): boolean => readlinks(`/proc/${pid}/fd`).includes("anon_inode:[eventpoll]");
  await until("it serves", serves);
  return pid;
}

function readlinks(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      return [];
    }
  });
}

/** A proxy from a loopback address to one of IPv4. */
export function proxyArguments(
  protocol: string,
  hostPort: number,
  containerPort: number,
  host = "127.0.0.1",
): string[] {
  const from = ["-host-ip", host, "-host-port", `${hostPort}`];
  const to = ["-container-ip", "127.0.0.1", "-container-port", `${containerPort}`];
  return ["-proto", protocol, ...from, ...to, "-use-listen-fd"];
}
