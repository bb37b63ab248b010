/**
 * Network namespaces of processes.
 * @module
 */
import { CWD, flags, O, open, text, type ProgramBuilder, type Result, type Slot } from "../../kernel/mod.ts";

/** Adds the opening of the network namespace of a process: one that runs, or that this program has cloned. */
export function openNamespace(b: ProgramBuilder, pid: number | Result): Slot {
  const namespace = b.slot("network namespace");
  const path = typeof pid === "number" ? `/proc/${pid}/ns/net` : text("/proc/", pid, "/ns/net");
  open(b, "open its network namespace", CWD, path, flags(O, "RDONLY", "CLOEXEC"), namespace);
  return namespace;
}
