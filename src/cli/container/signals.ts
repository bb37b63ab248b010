/**
 * Signals that this process gets, passed on to the container's process.
 * @module
 */
import { constants } from "node:os";

/** Not passed on: they are about this process, can't be caught, or mean a terminal's size. */
const ours: ReadonlySet<string> = new Set([
  "SIGCHLD",
  "SIGPIPE",
  "SIGURG",
  "SIGKILL",
  "SIGSTOP",
  // Faults of this program itself.
  "SIGSEGV",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGABRT",
  "SIGIOT",
  "SIGTRAP",
  "SIGSYS",
  "SIGPOLL",
  "SIGIO",
  "SIGPROF",
  "SIGVTALRM",
  "SIGXCPU",
  "SIGSTKFLT",
  "SIGUNUSED",
]);

/** Calls `kill` with the name of each signal (`TERM`) from now on. @returns what ends it */
export function forwardSignals(kill: (signal: string) => Promise<void>): () => void {
  const names = Object.keys(constants.signals).filter((name) => !ours.has(name)) as NodeJS.Signals[];
  const handlers = names.map((name) => {
    // The container may have ended at this very moment; then there is nobody to tell.
    const handler = (): void => void kill(name.slice(3)).catch(() => {});
    process.on(name, handler);
    return { name, handler };
  });
  return () => {
    for (const { name, handler } of handlers) process.off(name, handler);
  };
}
