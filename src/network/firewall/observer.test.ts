import { expect, test } from "bun:test";
import { NFT_MSG } from "../../kernel/netlink/mod.ts";
import { disturbance } from "./observer.ts";

const event = (message: number, family: number, table?: string) => ({
  message,
  family,
  ...(table && { table }),
});

test.each([
  ["a rule of ours is gone", [event(NFT_MSG.DELRULE, 1, "caisson")], { own: true, host: false }],
  ["an element of ours is gone", [event(NFT_MSG.DELSETELEM, 1, "caisson")], { own: true, host: false }],
  ["iptables' table is gone", [event(NFT_MSG.DELTABLE, 2, "filter")], { own: false, host: true }],
  [
    "a chain was made in ip6tables' table",
    [event(NFT_MSG.NEWCHAIN, 10, "filter")],
    { own: false, host: true },
  ],
  ["something was added to ours", [event(NFT_MSG.NEWSETELEM, 1, "caisson")], undefined],
  ["a table of our name in another family", [event(NFT_MSG.DELTABLE, 2, "caisson")], undefined],
  ["somebody else's table", [event(NFT_MSG.DELTABLE, 1, "mine"), event(NFT_MSG.NEWGEN, 0)], undefined],
])("%s", (_, events, expected) => {
  expect(disturbance(events)).toEqual(expected);
});
