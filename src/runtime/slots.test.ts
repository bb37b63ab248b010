import { expect, test } from "bun:test";
import { ProgramBuilder, slotList, type Operation } from "../kernel/mod.ts";
import { handOver, receive } from "./slots.ts";

function calls(add: (b: ProgramBuilder, terminal: boolean) => void, terminal: boolean): readonly Operation[] {
  const b = new ProgramBuilder();
  add(b, terminal);
  return b.build().operations;
}

test("a list is of 16-bit numbers, as PASS and TAKE want it", () => {
  const b = new ProgramBuilder();
  const slots = ["a", "b", "c"].map((name) => b.slot(name));
  const list = slotList(slots.slice(1));
  expect([...list.value]).toEqual([1, 0, 2, 0]);
  expect(list.text).toBe("[<b>, <c>]");
});

test.each([false, true])("what is handed over is what is received, with a terminal: %p", (terminal) => {
  const both = (b: ProgramBuilder, side: "give" | "take"): void => {
    const [outer, inner, pidfd, tty] = [b.slot("outer"), b.slot("inner"), b.slot("pidfd"), b.slot("tty")];
    const handover = { outer, inner, pidfd, ...(terminal ? { terminal: tty } : {}) };
    const result = b.call("make the process", "getpid", []);
    if (side === "give") handOver(b, handover, result);
    else receive(b, handover, result);
  };
  const give = calls((b) => both(b, "give"), terminal);
  const take = calls((b) => both(b, "take"), terminal);
  const passed = give.find(({ call }) => call === "pass")?.args;
  const taken = take.find(({ call }) => call === "take")?.args;
  expect(passed).toEqual(taken);
  expect(give.map(({ call }) => call)).toEqual([
    "getpid",
    ...(terminal ? ["take"] : []),
    "pass",
    "sync",
    "await",
    "exit",
  ]);
  // The process between is reaped only when the container's process is named and runs.
  expect(take.map(({ call }) => call)).toEqual(["getpid", "take", "await", "process", "await", "wait4"]);
});
