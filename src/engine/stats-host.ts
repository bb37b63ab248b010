/**
 * What the statistics of containers need of procfs: the processors' time, and what went through interfaces.
 * @module
 */

/** The host's processors. */
export interface HostCpu {
  /** Nanoseconds that all of them together have spent on anything, idling included. */
  readonly total: number;
  readonly processors: number;
}

/** What went through an interface, in Docker's fields. */
export interface InterfaceCounters {
  readonly rx_bytes: number;
  readonly rx_packets: number;
  readonly rx_errors: number;
  readonly rx_dropped: number;
  readonly tx_bytes: number;
  readonly tx_packets: number;
  readonly tx_errors: number;
  readonly tx_dropped: number;
}

/** USER_HZ is 100 wherever Linux runs. */
const TICK = 10_000_000;

/** From /proc/stat. Guests' time is in their hosts' already, and stolen time isn't counted, as in dockerd. */
export function parseHostCpu(text: string): HostCpu {
  const [first = ""] = text.split("\n", 1);
  const ticks = first.trim().split(/\s+/).slice(1, 8).map(Number);
  return {
    total: ticks.reduce((sum, each) => sum + each, 0) * TICK,
    processors: text.match(/^cpu\d+ /gm)?.length ?? 0,
  };
}

/** Counters of the interfaces `names`, from a namespace's /proc/PID/net/dev; in the order of `names`. */
export function parseInterfaces(text: string, names: Iterable<string>): Map<string, InterfaceCounters> {
  const lines = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) lines.set(line.slice(0, colon).trim(), line.slice(colon + 1));
  }
  const found = new Map<string, InterfaceCounters>();
  for (const name of names) {
    const line = lines.get(name);
    if (line === undefined) continue;
    const columns = line.trim().split(/\s+/).map(Number);
    const at = (index: number): number => columns[index] ?? 0;
    found.set(name, {
      rx_bytes: at(0),
      rx_packets: at(1),
      rx_errors: at(2),
      rx_dropped: at(3),
      tx_bytes: at(8),
      tx_packets: at(9),
      tx_errors: at(10),
      tx_dropped: at(11),
    });
  }
  return found;
}
