/**
 * Who is at the other end of a unix socket (SO_PEERCRED, unix(7)).
 * @module
 */
import { int, ProgramBuilder, struct, type Executors } from "../kernel/mod.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid, 32 bits each. */
const credentialSize = 12;
const milliseconds = 2000;

/** The process that connected, as it was then, in the engine's own namespaces; its pid is 0 if it is in none of them. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Asks for the peer of a connection of this process. An executor borrows the descriptor (pidfd_getfd(2)), because
 * nothing else of this process can be asked so.
 * @throws kernel when the connection is gone
 */
export async function peerCredentials(executors: Executors, descriptor: number): Promise<PeerCredentials> {
  const b = new ProgramBuilder();
  const [engine, connection, out] = [b.slot("the engine"), b.slot("the connection"), b.out(credentialSize)];
  const length = new Uint8Array(4);
  length[0] = credentialSize;
  b.call("find the engine's process", "pidfd_open", [process.pid, 0], { into: engine });
  b.call("borrow the connection", "pidfd_getfd", [engine, descriptor, 0], { into: connection });
  b.call("ask who is at its other end", "getsockopt", [
    connection,
    int(SOL_SOCKET, "SOL_SOCKET"),
    int(SO_PEERCRED, "SO_PEERCRED"),
    out,
    struct(length, `[${credentialSize}]`),
  ]);
  const outcome = await executors
    .warm()
    .fork(b.build(), { doing: "identify a client", deadline: milliseconds });
  const answer = Buffer.from(outcome.bytesOf(out));
  return { pid: answer.readInt32LE(0), uid: answer.readUInt32LE(4), gid: answer.readUInt32LE(8) };
}
