import { expect, test } from "bun:test";
import { refusedSettings, refuseSettings } from "./daemon-refused.ts";
import { Flags } from "./flags.ts";

function refuse(given: Readonly<Record<string, readonly string[]>>, fromFile = false): void {
  refuseSettings(new Flags(new Map(Object.entries(given))), () => fromFile);
}

test.each([
  [{ "live-restore": ["true"] }],
  [{ experimental: ["false"] }],
  [{ "swarm-raft-election-tick": ["0"] }],
  [{ "default-runtime": ["caisson"] }],
  [{ "containerd-namespace": ["moby"] }],
  [{ "storage-opt": [""] }],
  [{ feature: ["buildkit=false"] }],
  [{ "add-runtime": ["{}"] }],
])("%j asks for nothing", (given) => {
  expect(refuse(given)).toBeUndefined();
});

test.each([
  [
    { "live-restore": ["false"] },
    "--live-restore is nothing that caisson could be told: containers always outlive",
  ],
  [{ rootless: ["true"] }, "--rootless"],
  [{ feature: ["a=false", "buildkit=true"] }, "--feature"],
  [{ "default-runtime": ["runc"] }, "containers are run by caisson's own runtime"],
  [{ "userns-remap": ["default"] }, "each container has an id range of its own"],
])("%j is refused with the reason", (given, text) => {
  expect(() => refuse(given)).toThrow(text);
});

test("what stands in the file is called by its key", () => {
  const given = { "authorization-plugin": ["x"] };
  expect(() => refuse(given)).toThrow(/^--authorization-plugin /);
  expect(() => refuse(given, true)).toThrow(/^authorization-plugins /);
});

test("each setting is there once", () => {
  const names = refusedSettings.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
