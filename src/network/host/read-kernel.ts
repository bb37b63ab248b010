/**
 * Asking the kernel for what it knows over netlink, however long the answer is.
 * @module
 */
import { close, errnoNumbers, ProgramBuilder, type Errno, type Executor } from "../../kernel/mod.ts";
import {
  encodeMessages,
  netlink,
  openNetlink,
  type Message,
  type NetlinkFamily,
} from "../../kernel/netlink/mod.ts";

/**
 * Room for an answer, in bytes, tried in turn: all of it comes back from the executor, however little is in it. One link fits
 * into the first, some ten thousand connections into the last.
 */
const SIZES = [16 << 10, 256 << 10, 8 << 20] as const;

/** What to ask, and what to say if it fails. */
export interface Question {
  readonly doing: string;
  readonly family: NetlinkFamily;
  readonly message: Message;
  /** Errors that are an empty answer. */
  readonly tolerate?: readonly Errno[];
  /** In a process of its own: other programs needn't wait for a long answer. */
  readonly forked?: boolean;
}

/**
 * The kernel's messages in the network namespace of `executor`, one after the other; undefined if they are longer than
 * 8 MiB.
 */
export async function readKernel(executor: Executor, question: Question): Promise<Uint8Array | undefined> {
  const { doing, family, message, tolerate = [], forked = false } = question;
  for (const size of SIZES) {
    const b = new ProgramBuilder();
    const socket = b.slot(`${family} socket`);
    openNetlink(b, `open a ${family} socket`, family, socket);
    const out = b.out(size);
    const length = netlink(b, doing, socket, encodeMessages([message]), out, {
      tolerate: ["EMSGSIZE", ...tolerate],
    });
    close(b, socket);
    const program = b.build();
    const outcome = await (forked ? executor.fork(program, { doing }) : executor.run(program, { doing }));
    const read = outcome.valueOf(length) ?? 0;
    if (read !== -errnoNumbers.EMSGSIZE) return outcome.bytesOf(out).subarray(0, Math.max(0, read));
  }
  return undefined;
}
