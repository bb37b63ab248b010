import { describe, expect, test } from "bun:test";
import { failure } from "../src/errors/mod.ts";
import { alternate, contestant, isMet, ratioGoal, type Bench } from "./harness.ts";

const bench = { scratch: undefined, quick: true, say: () => {} } as unknown as Bench;

describe("alternate", () => {
  test("goes to and fro and throws the first round away", async () => {
    const order: string[] = [];
    const one = (name: string): ReturnType<typeof contestant> => {
      let turn = 0;
      return contestant(name, () => {
        order.push(name);
        return Promise.resolve([turn++ * 10]);
      });
    };
    const { summaries, notes } = await alternate(bench, [one("a"), one("b")], 2);
    expect(order).toEqual(["a", "b", "b", "a", "a", "b"]);
    expect(summaries.get("a")).toEqual({ count: 2, median: 20, p10: 10, p90: 20 });
    expect(notes).toEqual([]);
  });

  test("keeps several figures of one go apart", async () => {
    const pair = { names: ["inner", "outer"], samples: () => Promise.resolve([[1], [2]]) };
    const { summaries } = await alternate(bench, [pair], 1);
    expect([...summaries].map(([name, { median }]) => [name, median])).toEqual([
      ["inner", 1],
      ["outer", 2],
    ]);
  });

  test("leaves out what fails, with its reason, and goes on", async () => {
    let turns = 0;
    const bad = contestant("bad", () => {
      if (++turns === 2) return Promise.reject(failure("internal", { message: "it broke\ntwice" }));
      return Promise.resolve([1]);
    });
    const good = contestant("good", () => Promise.resolve([5]));
    const { summaries, notes } = await alternate(bench, [bad, good], 3);
    expect([...summaries.keys()]).toEqual(["good"]);
    expect(summaries.get("good")?.count).toBe(3);
    expect(notes).toEqual(["bad is missing: it broke"]);
    expect(turns).toBe(2);
  });
});

test("ratioGoal is about medians, and not met without both", () => {
  const summary = (median: number): { count: number; median: number; p10: number; p90: number } => ({
    count: 1,
    median,
    p10: 0,
    p90: 0,
  });
  const summaries = new Map([
    ["us", summary(3)],
    ["them", summary(60)],
  ]);
  const [met, missed, unknown] = [
    ratioGoal("t", summaries, "us", "them", 0.1),
    ratioGoal("t", summaries, "us", "them", 0.04),
    ratioGoal("t", summaries, "us", "nobody", 0.1),
  ];
  expect(met).toMatchObject({ value: 0.05, limit: 0.1 });
  expect([met, missed, unknown].map(isMet)).toEqual([true, false, false]);
});
