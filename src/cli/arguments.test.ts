import { expect, test } from "bun:test";
import { argumentProblem } from "./arguments.ts";
import type { ArgumentRule } from "./command.ts";

const problem = (args: ArgumentRule, count: number): string | undefined =>
  argumentProblem("caisson", "caisson x", { args, use: "A B" }, count);

test("the right number is no problem", () => {
  expect(problem({ exact: 2 }, 2)).toBeUndefined();
  expect(problem({ min: 1 }, 5)).toBeUndefined();
  expect(problem({ min: 0, max: 1 }, 1)).toBeUndefined();
});

test("the wrong one is said in docker's words", () => {
  const rest = "\n\nUsage:  caisson x A B\n\nRun 'caisson x --help' for more information";
  expect(problem({ exact: 2 }, 1)).toBe(`caisson: 'caisson x' requires 2 arguments${rest}`);
  expect(problem({ exact: 0 }, 1)).toBe(`caisson: 'caisson x' accepts no arguments${rest}`);
  expect(problem({ min: 1, max: 2 }, 3)).toBe(
    `caisson: 'caisson x' requires at least 1 and at most 2 arguments${rest}`,
  );
  expect(problem({ min: 1 }, 0)).toBe(
    "caisson: 'caisson x' requires at least 1 argument\n\nUsage:  caisson x A B\n\nSee 'caisson x --help' for more information",
  );
});
