/**
 * Watches over the firewall: when somebody else flushes or deletes what is ours, it is brought back at once. It waits in
 * the kernel, in an executor of its own, and isn't told of what the engine itself does.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { errnoNumbers, int, ProgramBuilder, struct, type Executor, type Slot } from "../../kernel/mod.ts";
import {
  NFT_MSG,
  NFTABLES_EVENTS,
  nftablesEvent,
  openNetlink,
  parseMessages,
  type NftablesEvent,
} from "../../kernel/netlink/mod.ts";
import { OWN_PORTS } from "./programs.ts";
import { TABLE } from "./sets.ts";

/** What was changed by somebody else. */
export interface Disturbance {
  /** The engine's own table. */
  readonly own: boolean;
  /** A table in which the host's iptables have their chain FORWARD. */
  readonly host: boolean;
}

/** Milliseconds in which changes that follow each other are one. */
const DEBOUNCE = 50;
/** As often is restoring tried before it counts as failed. */
const TRIES = 3;
/** The kernel's notices are shorter. */
const NOTICE = 32 << 10;
/** Descriptor 3 of an executor is its session (native/PROTOCOL.md, section 2). */
const SESSION = 3;
const AF_NETLINK = 16;
const SOL_SOCKET = int(1, "SOL_SOCKET");
const SO_RCVBUFFORCE = int(33, "SO_RCVBUFFORCE");
/** Room for notices that nobody has taken yet; it takes memory only then. A reload of everything tells 200 KiB. */
const ROOM = 4 << 20;
const SO_ATTACH_FILTER = int(26, "SO_ATTACH_FILTER");
const MSG_DONTWAIT = int(0x40, "MSG_DONTWAIT");
const POLLIN = 1;

const taken: ReadonlySet<number> = new Set<number>([
  NFT_MSG.DELTABLE,
  NFT_MSG.DELCHAIN,
  NFT_MSG.DELRULE,
  NFT_MSG.DELSET,
  NFT_MSG.DELSETELEM,
]);
const hostMessages: ReadonlySet<number> = new Set<number>([
  NFT_MSG.DELTABLE,
  NFT_MSG.NEWCHAIN,
  NFT_MSG.DELCHAIN,
  NFT_MSG.DELRULE,
]);
const NFPROTO = { inet: 1, ipv4: 2, ipv6: 10 } as const;

/** What events say; undefined: nothing of interest. */
export function disturbance(events: readonly NftablesEvent[]): Disturbance | undefined {
  const own = events.some(
    ({ message, family, table }) => family === NFPROTO.inet && table === TABLE && taken.has(message),
  );
  const host = events.some(
    ({ message, family, table }) =>
      (family === NFPROTO.ipv4 || family === NFPROTO.ipv6) && table === "filter" && hostMessages.has(message),
  );
  return own || host ? { own, host } : undefined;
}

/**
 * A socket filter (bpf(4), classic) that passes every notice but those of what our sockets sent. It sees a notice's first
 * message; all of a notice are of one transaction.
 */
function foreignOnly(): Uint8Array {
  const LOAD_U8 = 0x30;
  const EQUAL = 0x15;
  const RETURN = 0x06;
  /** The upper byte of nlmsg_pid, which is the port of the socket that sent the transaction. */
  const SENDER = 15;
  const program: readonly (readonly [code: number, ifTrue: number, ifFalse: number, value: number])[] = [
    [LOAD_U8, 0, 0, SENDER],
    [EQUAL, 1, 0, OWN_PORTS],
    [RETURN, 0, 0, 0xffffffff],
    [RETURN, 0, 0, 0],
  ];
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, ifTrue, ifFalse, value], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, ifTrue);
    view.setUint8(i * 8 + 3, ifFalse);
    view.setUint32(i * 8 + 4, value, true);
  });
  return bytes;
}

/** Adds opening a socket that hears of what others do to nftables. */
function subscribe(b: ProgramBuilder, socket: Slot): void {
  openNetlink(b, "open a socket for notices of the firewall", "netfilter", socket);
  const filter = foreignOnly();
  const header = new Uint8Array(16);
  new DataView(header.buffer).setUint16(0, filter.length / 8, true);
  const program = struct(header, `{len=${filter.length / 8}, not from 0x${OWN_PORTS.toString(16)}******}`, [
    { offset: 8, width: 8, value: struct(filter, "filter") },
  ]);
  b.call("leave out what is our own doing", "setsockopt", [
    socket,
    SOL_SOCKET,
    SO_ATTACH_FILTER,
    program,
    16,
  ]);
  const room = new Uint8Array(4);
  new DataView(room.buffer).setUint32(0, ROOM, true);
  b.call("make room for notices", "setsockopt", [
    socket,
    SOL_SOCKET,
    SO_RCVBUFFORCE,
    struct(room, String(ROOM)),
    4,
  ]);
  const address = new Uint8Array(12);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, NFTABLES_EVENTS, true);
  b.call("listen", "bind", [socket, struct(address, "{AF_NETLINK, groups=NFNLGRP_NFTABLES}"), 12]);
}

/** Watches as long as its executor lives. */
export class FirewallObserver {
  readonly #session: Executor;
  readonly #first: () => Promise<void>;
  readonly #restore: (what: Disturbance) => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #closed = false;

  /**
   * @param session an executor of its own in the firewall's network namespace; it is closed with the observer
   * @param first is called at once when something of the engine's own is gone: what can be done in no time
   * @param restore brings back what is gone; called again only when it is done
   * @param failed hears of what `restore` throws again and again, and of the end of the observer if it ends by an error
   */
  constructor(
    session: Executor,
    first: () => Promise<void>,
    restore: (what: Disturbance) => Promise<void>,
    failed: (error: unknown) => void,
  ) {
    this.#session = session;
    this.#first = first;
    this.#restore = restore;
    this.#failed = failed;
  }

  /** Begins to watch; resolves when nothing will be missed any more. */
  async start(): Promise<void> {
    const b = new ProgramBuilder();
    const socket = b.slot("notices");
    subscribe(b, socket);
    await this.#session.run(b.build(), { doing: "watch over the firewall" });
    void this.#watch();
  }

  /** Ends watching. */
  close(): void {
    this.#closed = true;
    this.#session.close();
  }

  async #watch(): Promise<void> {
    try {
      while (!this.#closed) {
        const first = await this.#next();
        if (first === undefined) continue;
        if (first.own) await this.#first().catch(this.#failed);
        // What follows soon belongs to it: a reload is many changes.
        const until = performance.now() + DEBOUNCE;
        let { own, host } = first;
        for (let more = await this.#next(until); more !== undefined; more = await this.#next(until)) {
          own ||= more.own;
          host ||= more.host;
        }
        await this.#restored({ own, host });
      }
    } catch (error) {
      if (!this.#closed) this.#failed(error);
    }
  }

  /** What fails is tried again: whatever was in the way, as another step of a reload, is often about to end. */
  async #restored(told: Disturbance): Promise<void> {
    for (let tries = 1; !this.#closed; tries++) {
      try {
        return await this.#restore(told);
      } catch (error) {
        if (tries === TRIES) return this.#failed(error);
        await sleep(DEBOUNCE * 4);
      }
    }
  }

  /** The next disturbance; undefined if there is none until then (as of performance.now()). */
  async #next(until = Infinity): Promise<Disturbance | undefined> {
    for (;;) {
      const left = until - performance.now();
      if (left <= 0) return undefined;
      const b = new ProgramBuilder();
      const socket = b.slot("notices");
      const notice = b.out(NOTICE);
      wait(b, socket, left);
      const length = b.call("take a notice", "recvfrom", [socket, notice, NOTICE, MSG_DONTWAIT, 0, 0], {
        tolerate: ["EAGAIN", "ENOBUFS"],
      });
      const outcome = await this.#session.run(b.build(), { doing: "watch over the firewall" });
      const got = outcome.valueOf(length) ?? 0;
      // More happened than the socket had room for.
      if (got === -errnoNumbers.ENOBUFS) return { own: true, host: true };
      if (got <= 0) continue;
      const messages = parseMessages(outcome.bytesOf(notice).subarray(0, got));
      const heard = disturbance(messages.map(nftablesEvent).filter((event) => event !== undefined));
      if (heard !== undefined) return heard;
    }
  }
}

/**
 * Adds waiting for a notice, for so many milliseconds at most. It ends with the session, too: an executor whose engine is
 * gone must not stay.
 */
function wait(b: ProgramBuilder, socket: Slot, milliseconds: number): void {
  const polls = new Uint8Array(16);
  const view = new DataView(polls.buffer);
  view.setInt32(0, SESSION, true);
  view.setInt16(4, POLLIN, true);
  view.setInt16(12, POLLIN, true);
  const wanted = struct(polls, "[session, notices]", [{ offset: 8, width: 4, value: socket }]);
  const time = new Uint8Array(16);
  new DataView(time.buffer).setBigInt64(8, BigInt(Math.ceil(Math.min(milliseconds, 999) * 1e6)), true);
  const limit = Number.isFinite(milliseconds) ? struct(time, `${Math.ceil(milliseconds)} ms`) : 0;
  b.call("wait for a notice", "ppoll", [wanted, 2, limit, 0, 0]);
}
