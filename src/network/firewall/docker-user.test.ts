import { expect, test } from "bun:test";
import { forgetting, hasDockerUser, honouring } from "./docker-user.ts";

const without = "-P FORWARD DROP\n-A FORWARD -i eth9 -j DROP\n";
const made = `${without}-N DOCKER-USER\n`;
const jump = ["-m", "comment", "--comment", "caisson", "-j", "DOCKER-USER"];
const pass = [
  "-m",
  "mark",
  "--mark",
  "0x8000000/0x8000000",
  "-m",
  "comment",
  "--comment",
  "caisson",
  "-j",
  "ACCEPT",
];
const ours = `${made}-A FORWARD ${jump.join(" ")}\n-A FORWARD ${pass.join(" ")}\n`;

test("nothing is done where nobody made the chain and FORWARD lets through what no rule speaks of", () => {
  const open = without.replace("DROP", "ACCEPT");
  expect(hasDockerUser(open)).toBe(false);
  expect(honouring(open, false)).toEqual([]);
});

test("a FORWARD that drops gets one rule, unless the host's rules are to decide", () => {
  expect(honouring(without, false)).toEqual([["-I", "FORWARD", "1", ...pass]]);
  expect(honouring(`${without}-A FORWARD ${pass.join(" ")}\n`, false)).toEqual([]);
  expect(honouring(without, true)).toEqual([]);
  expect(forgetting(`${without}-A FORWARD ${pass.join(" ")}\n`)).toEqual([["-D", "FORWARD", ...pass]]);
});

test("FORWARD leads to the chain, and lets through what passes it unless the host's rules decide", () => {
  expect(honouring(made, false)).toEqual([
    ["-I", "FORWARD", "1", ...jump],
    ["-I", "FORWARD", "2", ...pass],
  ]);
  expect(honouring(made, true)).toEqual([["-I", "FORWARD", "1", ...jump]]);
  expect(honouring(ours, false)).toEqual([]);
});

test("behind a jump that is there", () => {
  expect(honouring(`${made}-A FORWARD -j DOCKER-USER\n`, false)).toEqual([["-I", "FORWARD", "3", ...pass]]);
});

test("what is taken back is what was done, and nobody else's jump", () => {
  expect(forgetting(ours)).toEqual([
    ["-D", "FORWARD", ...jump],
    ["-D", "FORWARD", ...pass],
  ]);
  expect(forgetting(`${made}-A FORWARD -j DOCKER-USER\n`)).toEqual([]);
});
