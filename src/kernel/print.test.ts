import { expect, test } from "bun:test";
import { printArgument, printCall, printProgram } from "./print.ts";
import { bytes, int, ProgramBuilder, struct, text, vector } from "./program.ts";

const b = new ProgramBuilder();
const root = b.slot("root");
const pid = b.call("ask who this is", "getpid", []);

test.each([
  [5, "5"],
  [-1n, "-1"],
  ['say "hi"\n', '"say \\"hi\\"\\n"'],
  [int(64, "O_CREAT"), "O_CREAT"],
  [int(64), "64"],
  [root, "<root>"],
  [bytes(new Uint8Array(3), "[zeros]"), "[zeros]"],
  [struct(new Uint8Array(8), "{a=1}"), "{a=1}"],
  [vector(["a b", "c"]), '["a b", "c"]'],
  [text("/proc/", pid, "/fd/", root), '"/proc/$getpid#0/fd/<root>"'],
  [{ kind: "out", offset: 8, size: 16 } as const, "&out[8..24]"],
])("%p", (argument, shown) => {
  expect(printArgument(argument)).toBe(shown);
});

test("long strings are cut", () => {
  expect(printArgument("x".repeat(500))).toBe(`"${"x".repeat(200)}…"`);
});

test("what a call fills, forgives and depends on", () => {
  const operation = { label: "", call: "openat", composite: false, args: [root, "x"], depth: 0 };
  expect(printCall(operation)).toBe('openat(<root>, "x")');
  expect(printCall({ ...operation, into: root, tolerate: ["ENOENT", "EPERM"], optional: true })).toBe(
    'openat(<root>, "x") = <root> ?ENOENT|EPERM (if open)',
  );
  expect(printCall({ ...operation, tolerate: "any" })).toBe('openat(<root>, "x") ?');
  expect(printCall({ ...operation, tolerate: [] })).toBe('openat(<root>, "x")');
});

test("numbers line up, bodies are indented", () => {
  const program = new ProgramBuilder();
  for (let i = 0; i < 10; i++) program.call(`step ${i}`, "getpid", []);
  program.clone("fork", { flags: int(0), channel: program.slot("channel") }, () => {
    program.composite("leave", "exit", [0]);
  });
  const lines = printProgram(program.build()).split("\n");
  expect(lines[0]).toBe(" 0  # step 0");
  expect(lines[1]).toBe("    getpid()");
  expect(lines[20]).toBe("10  # fork");
  expect(lines[21]).toContain("child: next 1 steps)");
  expect(lines.slice(22)).toEqual(["11    # leave", "      exit(0)", ""]);
});

test("a program of nothing is nothing", () => {
  expect(printProgram(new ProgramBuilder().build())).toBe("\n");
});
