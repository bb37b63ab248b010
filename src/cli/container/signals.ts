/**
 * Signals that this process gets, passed on to the container's process.
 * @module
 */
/**
 * Passed on. Left out are those that are about this process itself (faults, CHLD, PIPE, URG, limits), that can't be
 * caught, and WINCH, which is about the terminal's size.
 */
const passed: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
  "SIGCONT",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGPWR",
];

/** Calls `kill` with the name of each signal (`TERM`) from now on. @returns what ends it */
export function forwardSignals(kill: (signal: string) => Promise<void>): () => void {
  const handlers = passed.map((name) => {
    // The container may have ended at this very moment; then there is nobody to tell.
    const handler = (): void => void kill(name.slice(3)).catch(() => {});
    process.on(name, handler);
    return { name, handler };
  });
  return () => {
    for (const { name, handler } of handlers) process.off(name, handler);
  };
}
