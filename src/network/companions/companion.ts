/**
 * Companions: processes of the native binary, or in its place one that the user names, that serve a container for as
 * long as it runs. The shim is their parent, and ends them with the container (native/PROTOCOL.md, COMPANION).
 * @module
 */
import { CLONE, flags, int, vector, type ProgramBuilder, type Slot } from "../../kernel/mod.ts";

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** A companion to be started. */
export interface Companion {
  /** What it is for: `the proxy of 0.0.0.0:8080/tcp`. */
  readonly name: string;
  /** undefined: the native binary itself, whose role argv[0] names. */
  readonly path?: string;
  readonly argv: readonly string[];
  /** Descriptors that it gets, from 3 up. */
  readonly descriptors: readonly Slot[];
  readonly parent: CompanionParent;
  /** Whether its parent waits until it executes its program; else its failure is not heard of. */
  readonly awaited: boolean;
}

/** Who a companion's parent is: the shim, or a guard (guard.ts). It ends with either. */
export type CompanionParent = "shim" | "guard";

/** Slots for what a parent has of the companion that it starts: the same ones do for the next, and slots are few. */
export interface CompanionSlots {
  readonly channel: Slot;
  readonly pidfd: Slot;
}

/** New ones. */
export function companionSlots(b: ProgramBuilder): CompanionSlots {
  return { channel: b.slot("companion's channel"), pidfd: b.slot("companion's pidfd") };
}

/**
 * Adds, in its parent, the start of a companion. `enter` adds what it does first: in the parent's memory, while the parent
 * waits, so that nothing is copied for a process that is about to execute something else.
 */
export function startCompanion(
  b: ProgramBuilder,
  companion: Companion,
  { channel, pidfd }: CompanionSlots,
  enter: () => void = () => undefined,
): void {
  const { name, path = "/proc/self/exe", argv, descriptors, awaited } = companion;
  const pid = b.clone(`start ${name}`, { flags: flags(CLONE, "VM", "VFORK"), pidfd, channel }, () => {
    b.call("end with its parent", "prctl", [
      int(PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"),
      int(SIGKILL, "SIGKILL"),
      0,
      0,
      0,
    ]);
    enter();
    // What lies where the descriptors go is moved out of the way first.
    for (const [i, slot] of descriptors.entries()) {
      b.call(`move what ${name} gets`, "fcntl", [slot, int(1030, "F_DUPFD_CLOEXEC"), 64 + i], { into: slot });
    }
    for (const [i, slot] of descriptors.entries())
      b.call(`give ${name} its ${slot.name}`, "dup3", [slot, 3 + i, 0]);
    b.call(`execute ${name}`, "execve", [path, vector(argv), vector(["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])]);
  });
  if (companion.parent === "shim") b.composite(`${name} ends with the container`, "companion", [pid, pidfd]);
  if (awaited) b.composite(`wait until ${name} runs`, "await", [channel, int(2, "EOF")]);
  b.composite(`close ${channel.name}`, "close", [channel]);
}
