/**
 * A table of nftables as the kernel tells of it, and the messages that make the same table again: what `nft` made once is
 * remade in one transaction, without a process (linux/netfilter/nf_tables.h).
 * @module
 */
import { be32, binary, header, NLM_F, string, type Message } from "./message.ts";
import { NFT_MSG, NFTABLES_SUBSYSTEM } from "./nftables.ts";
import { AttributeReader, type ReceivedMessage } from "./parse.ts";

const inet = header([1, 1], [1, 0], [2, 0]);
/** NFTA_*_TABLE, or a table's own name; NFTA_SET_* */
const TABLE = 1;
const SET = { NAME: 2, FLAGS: 3, ID: 10 } as const;
const ANONYMOUS = 1;

/** Of each kind, the attributes that say how it is made: all but handles, counts and what the kernel works out itself. */
const making: ReadonlyMap<number, readonly number[]> = new Map([
  // Name, flags, user data.
  [NFT_MSG.NEWTABLE, [TABLE, 2, 6]],
  // Table, name, hook, policy, type, user data.
  [NFT_MSG.NEWCHAIN, [TABLE, 3, 4, 5, 7, 12]],
  // Table, chain, expressions, user data.
  [NFT_MSG.NEWRULE, [TABLE, 2, 4, 7]],
  // Table, name, flags, key type and length, data type and length, policy, description, user data.
  [NFT_MSG.NEWSET, [TABLE, 2, 3, 4, 5, 6, 7, 8, 9, 13]],
  // Table, set, elements.
  [NFT_MSG.NEWSETELEM, [TABLE, 2, 3]],
]);

function ask(type: number, table: string, text: string, set?: string): Message {
  const attributes = [string(TABLE, table), ...(set === undefined ? [] : [string(SET.NAME, set)])];
  return { type: (NFTABLES_SUBSYSTEM << 8) | type, flags: NLM_F.DUMP, header: inet, attributes, text };
}

/** The message that asks for all chains of a table. */
export function dumpChains(table: string): Message {
  return ask(NFT_MSG.GETCHAIN, table, `list chains of inet ${table}`);
}

/** The message that asks for all sets and maps of a table, without their elements. */
export function dumpSets(table: string): Message {
  return ask(NFT_MSG.GETSET, table, `list sets of inet ${table}`);
}

/** The message that asks for the elements of a set. */
export function dumpElements(table: string, set: string): Message {
  return ask(NFT_MSG.GETSETELEM, table, `list elements of inet ${table} ${set}`, set);
}

/** The name of a set that belongs to the rule that it stands in (`{ tcp, udp }`); undefined: it is another one. */
export function anonymousSet({ payload }: ReceivedMessage): string | undefined {
  const attributes = new AttributeReader(payload, inet.length);
  const flags = attributes.be32(SET.FLAGS) ?? 0;
  return (flags & ANONYMOUS) === 0 ? undefined : attributes.string(SET.NAME);
}

/** The messages that delete a table, if there is one. */
export function deleteTable(table: string): Message[] {
  const one = (type: number, flags: number, text: string): Message => ({
    type: (NFTABLES_SUBSYSTEM << 8) | type,
    flags,
    header: inet,
    attributes: [string(TABLE, table)],
    text,
  });
  return [
    one(NFT_MSG.NEWTABLE, NLM_F.CREATE, `add table inet ${table}`),
    one(NFT_MSG.DELTABLE, 0, `delete table inet ${table}`),
  ];
}

/**
 * The messages that make what the kernel told of: table, chains, sets, elements and rules, in this order. A set's name
 * stays what it is, so that rules find it by that.
 */
export function remake(told: readonly ReceivedMessage[]): Message[] {
  return told.map(({ type, payload }, index) => {
    const kind = type & 0xff;
    const attributes = new AttributeReader(payload, inet.length);
    const kept = (making.get(kind) ?? []).flatMap((which) => {
      const value = attributes.bytes(which);
      return value === undefined ? [] : [binary(which, value.slice())];
    });
    return {
      type,
      flags: kind === NFT_MSG.NEWRULE ? NLM_F.CREATE | NLM_F.APPEND : NLM_F.CREATE,
      header: inet,
      // A number by which others of the transaction could speak of it; the kernel insists on one.
      attributes: kind === NFT_MSG.NEWSET ? [...kept, be32(SET.ID, index + 1)] : kept,
      text: `part ${index + 1}`,
    };
  });
}
