/**
 * What an engine's networks have in the kernel and in the database: for tests that nothing of them is left.
 * @module
 */
import { Database } from "bun:sqlite";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestEngine } from "../../support/engine.ts";

/** Traces of endpoints. */
export interface NetworkTraces {
  /** Names of the links in the engine's namespace. */
  readonly links: readonly string[];
  /** The firewall's table as nft prints it, the elements of its sets and maps in the order of their texts: they have none. */
  readonly elements: string;
  /** How many rows of endpoints there are. */
  readonly endpoints: number;
  /** Arguments of the proxies, relays and shims. */
  readonly processes: readonly string[];
}

/** Arguments of every process of the machine that `wanted` likes. */
function processes(wanted: (pid: string, command: readonly string[]) => boolean): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
        return wanted(pid, command) ? [command.join(" ")] : [];
      } catch {
        // It has ended.
        return [];
      }
    });
}

/** Arguments of the proxies of `engine`, in the order of the texts. */
export function proxiesOf(engine: TestEngine): string[] {
  const namespace = readlinkSync(`/proc/${engine.namespace}/ns/net`);
  return processes(
    (pid, [, first]) => first === "-proto" && readlinkSync(`/proc/${pid}/ns/net`) === namespace,
  ).sort();
}

/** How many endpoints the database has, by a copy: the engine has its own for itself. */
function endpointRows(engine: TestEngine): number {
  const folder = mkdtempSync(join(tmpdir(), "caisson-database."));
  try {
    for (const name of ["caisson.db", "caisson.db-wal"]) {
      const path = join(engine.dataRoot, name);
      if (existsSync(path)) copyFileSync(path, join(folder, name));
    }
    const database = new Database(join(folder, "caisson.db"));
    const row = database.query("SELECT count(*) AS endpoints FROM endpoints").get() as { endpoints: number };
    database.close();
    return row.endpoints;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The listing of a table, each `elements = { … }` in one line and sorted. A comma ends an element. */
function withSortedElements(table: string): string {
  return table.replaceAll(/elements = \{([^}]*)\}/g, (_, elements: string) => {
    const each = elements.split(",").map((element) => element.trim().replaceAll(/\s+/g, " "));
    return `elements = { ${each.sort().join(", ")} }`;
  });
}

/** What there is now. */
export function tracesOf(engine: TestEngine): NetworkTraces {
  const links = JSON.parse(engine.runInside("ip", ["-json", "link"]).stdout) as { readonly ifname: string }[];
  const table = engine.runInside("nft", ["list", "table", "inet", "caisson"]).stdout;
  const relays = processes(
    (_, command) => command[0] === "caisson-relay" && command[1]?.startsWith(engine.execRoot) === true,
  );
  return {
    links: links.map(({ ifname }) => ifname).sort(),
    elements: withSortedElements(table),
    endpoints: endpointRows(engine),
    processes: [...relays, ...proxiesOf(engine)],
  };
}
