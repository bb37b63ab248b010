import { expect, test } from "bun:test";
import { messageOf } from "../../errors/mod.ts";
import type { Engine, Filters } from "../engine.ts";
import { guardEngine } from "./guard.ts";

const asked: unknown[] = [];
const inner = {
  containers: {
    list: async (options: { readonly filters: Filters }) => {
      asked.push([...options.filters]);
      return [];
    },
    inspect: async () => ({
      Id: "id",
      Config: { Labels: { a: "1" } },
      HostConfig: { Privileged: true },
      Mounts: [],
    }),
    stop: async () => true,
  },
  execs: { create: async () => ({}) },
} as unknown as Engine;
const open = { readOnly: false, noPrivileged: false, noHostMounts: false };
const problem = async (work: () => Promise<unknown>): Promise<string> =>
  (async () => work())().then(() => "", messageOf);

test("no policy is the engine itself", () => {
  expect(guardEngine(inner, open)).toBe(inner);
});

test("read-only: a look, and nothing else", async () => {
  const { containers } = guardEngine(inner, { ...open, readOnly: true });
  expect(await problem(() => containers.inspect("x", false))).toBe("");
  expect(await problem(() => containers.stop("x", {} as never))).toBe(
    "the policy of this socket (read-only) does not allow this: containers stop",
  );
});

test("policies lie over each other: each refuses for itself, and a label holds for all that is let through", async () => {
  const all = guardEngine(inner, { readOnly: true, noPrivileged: true, noHostMounts: true, label: "a=1" });
  await all.containers.list({ filters: new Map() } as never);
  expect(asked).toEqual([[["label", ["a=1"]]]]);
  const writing = guardEngine(inner, { ...open, noPrivileged: true, label: "a=1" });
  expect(await problem(() => writing.execs.create("x", {} as never))).toContain("(no-privileged)");
  // Of somebody else's container not even that it is privileged can be found out.
  const stranger = guardEngine(inner, { ...open, noPrivileged: true, label: "a=2" });
  expect(await problem(() => stranger.execs.create("x", {} as never))).toBe("No such container: x");
});
