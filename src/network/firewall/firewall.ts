/**
 * The firewall as the engine has it: loaded when it starts, brought back when somebody takes it away.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { findHostProgram, ProgramBuilder, runHostProgram, type Executor } from "../../kernel/mod.ts";
import {
  dumpRules,
  encodeMessages,
  getTable,
  netlink,
  parseMessages,
  tableComment,
} from "../../kernel/netlink/mod.ts";
import { forgetDockerUser, honourDockerUser, type RunHost } from "./docker-user.ts";
import type { FirewallElement } from "./element.ts";
import { openFirewall, reconcile } from "./programs.ts";
import { ruleset, type Ruleset, type RulesetOptions } from "./ruleset.ts";
import { TABLE } from "./sets.ts";
import { copyTable, remakeTable, type TableCopy } from "./table-copy.ts";

/** Room for the answer about a table, and about its rules. */
const TABLE_REPLY = 1024;
const RULES_REPLY = 256 << 10;

/** What the firewall needs of its surroundings. */
export interface FirewallOptions extends Omit<RulesetOptions, "markPassed"> {
  /** An executor in the network namespace that it is for. */
  readonly executor: () => Executor;
  /** Runs programs of the host, in the same namespace. */
  readonly run?: RunHost;
}

/** Elements as a part of a script for nft. */
function script(elements: readonly FirewallElement[]): string {
  const sets = new Map<string, string[]>();
  for (const { set, text } of elements) sets.set(set, [...(sets.get(set) ?? []), text]);
  return [...sets]
    .map(([set, texts]) => `add element inet ${TABLE} ${set} { ${texts.join(", ")} }\n`)
    .join("");
}

/** The table `inet caisson` of one network namespace. */
export class Firewall {
  readonly #options: FirewallOptions;
  readonly #run: RunHost;
  #ruleset: Ruleset;
  #dockerUser = false;
  #copy: TableCopy | undefined;

  constructor(options: FirewallOptions) {
    this.#options = options;
    this.#run = options.run ?? runHostProgram;
    this.#ruleset = ruleset(options);
  }

  /** Whether rules of ours are in the host's own chain FORWARD, for the sake of DOCKER-USER. */
  get honoursDockerUser(): boolean {
    return this.#dockerUser;
  }

  /**
   * Brings the table to the rules and `elements`, whatever was there. The rules are loaded only if they are not there as
   * they must be. Resolves to whether they were.
   * @throws missing-program without nft, firewall-refused
   */
  async ensure(elements: readonly FirewallElement[]): Promise<"kept" | "loaded"> {
    await this.ensureHost();
    if (await this.#isLoaded()) {
      const b = new ProgramBuilder();
      const socket = b.slot("netfilter");
      openFirewall(b, socket);
      reconcile(b, "bring the firewall's elements to what is wanted", socket, elements);
      await this.#options.executor().fork(b.build(), { doing: "restore the firewall" });
      return "kept";
    }
    await this.#nft(this.#ruleset.script + script(elements));
    return "loaded";
  }

  /** Remembers how the table is made, for {@link remake}. */
  async remember(): Promise<void> {
    if (this.#copy?.comment === this.#ruleset.comment) return;
    this.#copy = await copyTable(this.#options.executor(), this.#ruleset);
  }

  /**
   * Makes the table as it was remembered, with `elements`, whatever was there: in a millisecond, without programs of the
   * host. Without anything remembered it does nothing. {@link ensure} finds out what else there is to be done.
   */
  async remake(elements: readonly FirewallElement[]): Promise<void> {
    if (this.#copy !== undefined) await remakeTable(this.#options.executor(), this.#copy, elements);
  }

  /** Sees that DOCKER-USER is honoured if it exists. */
  async ensureHost(): Promise<void> {
    const respect = this.#options.respectHostFirewall === true;
    this.#dockerUser = await honourDockerUser(respect, this.#run);
    this.#ruleset = ruleset({ ...this.#options, markPassed: this.#dockerUser && !respect });
  }

  /** Takes the table away, and what was done for DOCKER-USER. */
  async unload(): Promise<void> {
    await forgetDockerUser(this.#run);
    await this.#nft(`table inet ${TABLE}\ndelete table inet ${TABLE}\n`);
  }

  async #isLoaded(): Promise<boolean> {
    const b = new ProgramBuilder();
    const socket = b.slot("netfilter");
    openFirewall(b, socket);
    const table = b.out(TABLE_REPLY);
    const rules = b.out(RULES_REPLY);
    const ask = encodeMessages([getTable(TABLE)]);
    const length = netlink(b, "look for the firewall's table", socket, ask, table, { tolerate: ["ENOENT"] });
    const listed = netlink(b, "look for its rules", socket, encodeMessages([dumpRules(TABLE)]), rules, {
      tolerate: ["ENOENT"],
    });
    const outcome = await this.#options.executor().fork(b.build(), { doing: "look at the firewall" });
    const answer = outcome.bytesOf(table).subarray(0, Math.max(0, outcome.valueOf(length) ?? 0));
    const [found] = parseMessages(answer);
    if (found === undefined || tableComment(found) !== this.#ruleset.comment) return false;
    const dump = outcome.bytesOf(rules).subarray(0, Math.max(0, outcome.valueOf(listed) ?? 0));
    return parseMessages(dump).length === this.#ruleset.rules;
  }

  async #nft(input: string): Promise<void> {
    const path = findHostProgram("nft");
    if (path === undefined) {
      throw failure("missing-program", {
        program: "nft",
        purpose: "set up the firewall",
        package: "nftables",
      });
    }
    const { code, stderr } = await this.#run([path, "-f", "-"], input);
    if (code === 0) return;
    const reason = stderr.trim().split("\n", 1)[0] ?? "";
    throw failure("firewall-refused", { doing: "set up the firewall", program: "nft", reason });
  }
}
