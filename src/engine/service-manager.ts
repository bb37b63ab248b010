/**
 * Telling systemd how the engine is: sd_notify(3), a datagram to the socket that the unit's `Type=notify` names.
 * @module
 */
import { bytes, int, ProgramBuilder, struct, type Executors, type Program } from "../kernel/mod.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SCM_CREDENTIALS = 2;
/** Milliseconds. */
const DEADLINE = 5000;

/** What a unit can be told: it may be used, it is on its way out. */
export type ServiceState = "READY=1" | "STOPPING=1";

/** struct sockaddr_un: a path, or with `@` in front a name that is in no directory (unix(7)). */
function address(socket: string): Uint8Array {
  const name = Buffer.from(socket.replace(/^@/, "\0"));
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}

/** The control message that says who sends: systemd hears a unit's main process alone (`NotifyAccess=main`). */
function credentials(pid: number): Uint8Array {
  // struct cmsghdr, then struct ucred with root's ids, padded to 8.
  const control = Buffer.alloc(32);
  control.writeBigUInt64LE(28n, 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_CREDENTIALS, 12);
  control.writeInt32LE(pid, 16);
  return control;
}

/** The program that says `state` at `socket` in the name of the process `pid`. */
export function notification(socket: string, state: ServiceState, pid: number): Program {
  const b = new ProgramBuilder();
  const [slot, to, control] = [b.slot("systemd's socket"), address(socket), credentials(pid)];
  const message = Buffer.from(state);
  const piece = Buffer.alloc(16);
  piece.writeBigUInt64LE(BigInt(message.length), 8);
  const iovec = struct(piece, `{${state}}`, [{ offset: 0, width: 8, value: bytes(message, state) }]);
  // struct msghdr: name, its length, pieces, how many, control, its length, flags.
  const header = Buffer.alloc(56);
  header.writeUInt32LE(to.length, 8);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  const how = int(SOCK_DGRAM_CLOEXEC, "SOCK_DGRAM|SOCK_CLOEXEC");
  b.call("make a socket", "socket", [int(AF_UNIX, "AF_UNIX"), how, 0], { into: slot });
  b.call(`say ${state} at ${socket}`, "sendmsg", [
    slot,
    struct(header, `{${socket}, ${state}, SCM_CREDENTIALS ${pid}}`, [
      { offset: 0, width: 8, value: bytes(to, socket) },
      { offset: 16, width: 8, value: iovec },
      { offset: 32, width: 8, value: bytes(control, `SCM_CREDENTIALS ${pid}`) },
    ]),
    int(MSG_NOSIGNAL, "MSG_NOSIGNAL"),
  ]);
  b.composite("close it", "close", [slot]);
  return b.build();
}

/**
 * Says `state` at `socket` in this process's name. An executor does it, since the engine's own runtime has no datagrams.
 * @throws kernel when nobody listens there
 */
export async function notifyServiceManager(
  executors: Executors,
  socket: string,
  state: ServiceState,
): Promise<void> {
  await executors
    .warm()
    .fork(notification(socket, state, process.pid), { doing: "tell systemd", deadline: DEADLINE });
}
