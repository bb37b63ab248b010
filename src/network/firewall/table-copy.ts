/**
 * The engine's table as it was loaded, from the kernel, so that it can be made again at once: nft, which loads it first,
 * takes as long as a process takes to start, and on a busy host that is what published ports would wait for.
 * @module
 */
import { ProgramBuilder, type Executor, type Out, type Result } from "../../kernel/mod.ts";
import {
  addElements,
  anonymousSet,
  deleteTable,
  dumpChains,
  dumpElements,
  dumpRules,
  dumpSets,
  encodeMessages,
  getTable,
  netlink,
  parseMessages,
  remake,
  tableComment,
  type Message,
  type ReceivedMessage,
} from "../../kernel/netlink/mod.ts";
import type { FirewallElement } from "./element.ts";
import { keepFirewall, sendBatch } from "./programs.ts";
import type { Ruleset } from "./ruleset.ts";
import { TABLE } from "./sets.ts";

const ROOM = { table: 1024, chains: 32 << 10, sets: 64 << 10, elements: 4096, rules: 256 << 10 };

/** A table that can be made again. */
export interface TableCopy {
  /** {@link Ruleset.comment} of the rules that it has. */
  readonly comment: string;
  readonly messages: readonly Message[];
}

interface Answer {
  readonly room: Out;
  readonly length: Result;
}

type Ask = (message: Message, room: number) => Answer;

/** Asks the kernel several things in one program; `read` is what it answered each. */
async function asked(
  executor: Executor,
  body: (ask: Ask) => readonly Answer[],
): Promise<readonly (readonly ReceivedMessage[])[]> {
  const b = new ProgramBuilder();
  const socket = keepFirewall(b);
  const answers = body((message, size) => {
    const room = b.out(size);
    const length = netlink(b, message.text, socket, encodeMessages([message]), room, {
      tolerate: ["ENOENT"],
    });
    return { room, length };
  });
  const outcome = await executor.run(b.build(), { doing: "copy the firewall's table" });
  return answers.map(({ room, length }) =>
    // Of its own, as the answer is given back.
    parseMessages(outcome.bytesOf(room).slice(0, Math.max(0, outcome.valueOf(length) ?? 0))),
  );
}

/** Copies the table if it has these rules, all of them; undefined: it hasn't, since somebody changed it meanwhile. */
export async function copyTable(executor: Executor, wanted: Ruleset): Promise<TableCopy | undefined> {
  const [table = [], chains = [], sets = [], rules = []] = await asked(executor, (ask) => [
    ask(getTable(TABLE), ROOM.table),
    ask(dumpChains(TABLE), ROOM.chains),
    ask(dumpSets(TABLE), ROOM.sets),
    ask(dumpRules(TABLE), ROOM.rules),
  ]);
  const [first] = table;
  // Rules are told last: while all are there, so are the chains and the sets that they speak of.
  if (first === undefined || tableComment(first) !== wanted.comment || rules.length !== wanted.rules)
    return undefined;
  const names = sets.map(anonymousSet).filter((name) => name !== undefined);
  const elements = await asked(executor, (ask) =>
    names.map((name) => ask(dumpElements(TABLE, name), ROOM.elements)),
  );
  const messages = remake([...table, ...chains, ...sets, ...elements.flat(), ...rules]);
  return { comment: wanted.comment, messages };
}

/** Makes the table again with these elements, in the place of whatever is there, in one transaction. */
export async function remakeTable(
  executor: Executor,
  { messages }: TableCopy,
  elements: readonly FirewallElement[],
): Promise<void> {
  const b = new ProgramBuilder();
  const all = [...deleteTable(TABLE), ...messages, ...addElements(TABLE, elements)];
  sendBatch(b, "make the firewall's table again", keepFirewall(b), all);
  await executor.run(b.build(), { doing: "bring the firewall back" });
}
