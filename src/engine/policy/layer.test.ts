import { expect, test } from "bun:test";
import type { Engine } from "../engine.ts";
import { layer } from "./layer.ts";

class Containers {
  readonly #names = ["a"];
  async list(): Promise<readonly string[]> {
    return this.#names;
  }
  async remove(): Promise<void> {
    this.#names.pop();
  }
}

const real = { containers: new Containers(), novelty: { work: () => 1 }, idle: () => true, close: () => 1 };
const engine = real as unknown as Engine;

test("what is named passes, what isn't is refused, also parts that nobody knew", async () => {
  const seen = layer(engine, "p", { containers: { list: "pass" } }) as unknown as typeof real;
  expect(await seen.containers.list()).toEqual(["a"]);
  expect(() => seen.containers.remove()).toThrow(
    "the policy of this socket (p) does not allow this: containers remove",
  );
  expect(() => seen.novelty.work()).toThrow("does not allow this: novelty work");
  expect(() => seen.close()).toThrow("does not allow this: close");
  expect(seen.idle()).toBe(true);
});

test("what is done instead is done, and layers lie over each other", async () => {
  const inner = layer(engine, "inner", { containers: { list: async () => [] } });
  const outer = layer(inner, "outer", { containers: { list: "pass", remove: "pass" } });
  expect(await outer.containers.list({} as never)).toEqual([]);
  expect(() => outer.containers.remove("a", {} as never)).toThrow("(inner)");
});

test("names that every object has are no way around", () => {
  const seen = layer(engine, "p", { containers: {} }) as unknown as { containers: Record<string, unknown> };
  expect(() => (seen.containers["toString"] as () => string)()).toThrow("(p)");
  expect(() => (seen.containers["constructor"] as () => unknown)()).toThrow("(p)");
});
