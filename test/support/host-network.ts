/**
 * What an engine's networks are on its host: links, the elements of the firewall's table, the resolver, rows.
 * @module
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import type { TestEngine } from "./engine.ts";
import { processesNaming } from "./host-state.ts";

/** Links by name, and what each of the firewall's sets and maps holds. Neither has an order. */
export interface HostNetwork {
  readonly links: readonly string[];
  readonly elements: Readonly<Record<string, readonly string[]>>;
}

/** Of `nft --json`: a set or a map; the list has rules and chains too. */
interface Listed {
  readonly set?: NamedSet;
  readonly map?: NamedSet;
}

interface NamedSet {
  readonly name: string;
  readonly elem?: readonly unknown[];
}

/** What is there in the engine's network namespace now. */
export function networkOf(engine: TestEngine): HostNetwork {
  const links = JSON.parse(outputOf(engine, "ip", "-json", "link")) as { readonly ifname: string }[];
  const { nftables } = JSON.parse(outputOf(engine, "nft", "--json", "list", "table", "inet", "caisson")) as {
    readonly nftables: readonly Listed[];
  };
  const sets = nftables.flatMap(({ set, map }) => set ?? map ?? []);
  return {
    links: links.map(({ ifname }) => ifname).toSorted(),
    elements: Object.fromEntries(
      sets.map(({ name, elem = [] }) => [name, elem.map((each) => JSON.stringify(each)).toSorted()]),
    ),
  };
}

/** Pids of the engine's resolver. */
export function resolversOf(engine: TestEngine): number[] {
  return processesNaming(`resolver\0${join(engine.execRoot, "dns")}`);
}

/** How many endpoints the database of an engine that doesn't run knows. */
export function storedEndpoints(engine: TestEngine): number {
  using database = new Database(join(engine.dataRoot, "caisson.db"), { readonly: true });
  const [row] = database.query<{ count: number }, []>("SELECT count(*) AS count FROM endpoints").all();
  if (row === undefined) throw new Error("no count of endpoints");
  return row.count;
}

function outputOf(engine: TestEngine, command: string, ...args: readonly string[]): string {
  const { code, stdout, stderr } = engine.runInside(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
}
