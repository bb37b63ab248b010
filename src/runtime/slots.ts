/**
 * Handing descriptors and the container's process from one process of a program to another.
 * @module
 */
import { int, slotList, type ProgramBuilder, type Result, type Slot } from "../kernel/mod.ts";

/** Adds, in the shim: these slots stay open until the process has exited, when nobody waits any more. */
export function keepUntilExit(b: ProgramBuilder, label: string, slots: readonly Slot[]): void {
  b.composite(label, "keep", [slotList(slots), int(0, "last")]);
}

/** Ends of the handing-over of a process that a process between cloned as the shim's child. */
export interface Handover {
  /** Channel between the shim and the process between. */
  readonly outer: Slot;
  /** Channel between the process between and the container's process. */
  readonly inner: Slot;
  readonly pidfd: Slot;
  /** Receives the terminal's master, if there is a terminal. */
  readonly terminal?: Slot;
  /** Whether the process waits for its network; the shim makes it as soon as it knows the process. */
  readonly connects?: boolean;
}

/** Adds, in the process between: the container's process `pid` is handed to the shim; then it leaves. */
export function handOver(b: ProgramBuilder, handover: Handover, pid: Result): void {
  const { outer, inner, pidfd, terminal, connects } = handover;
  if (terminal !== undefined) b.composite("take the terminal", "take", [inner, slotList([terminal])]);
  const handed = terminal === undefined ? [pidfd] : [pidfd, terminal];
  b.composite("hand the process to the shim", "pass", [outer, slotList(handed)]);
  b.composite("and its number", "sync", [outer, pid]);
  if (connects === true) {
    b.composite("wait for the network", "await", [outer, int(1, "SYNC")]);
    b.composite("tell the process that it is there", "sync", [inner, 0]);
  }
  b.composite("wait until it executes its program", "await", [inner, int(2, "EOF")]);
  b.composite("leave", "exit", [0]);
}

/** Adds, in the shim: takes what {@link handOver} hands over, has `connect` make the network; reaps the process between. */
export function receive(
  b: ProgramBuilder,
  { outer, pidfd, terminal, connects }: Handover,
  between: Result,
  connect: (pid: Result) => void = () => undefined,
): void {
  const handed = terminal === undefined ? [pidfd] : [pidfd, terminal];
  b.composite("take the container's process", "take", [outer, slotList(handed)]);
  const pid = b.composite("and its number", "await", [outer, int(1, "SYNC")]);
  b.composite("this is the container's process", "process", [pid, pidfd]);
  if (connects === true) {
    connect(pid);
    b.composite("tell that the network is there", "sync", [outer, 0]);
  }
  b.composite("wait until it executes its program", "await", [outer, int(2, "EOF")]);
  b.call("reap the process between", "wait4", [between, 0, 0, 0]);
}
