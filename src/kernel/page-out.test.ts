import { expect, test } from "bun:test";
import { pageOut, readAhead } from "./page-out.ts";
import { printProgram } from "./print.ts";
import { ProgramBuilder } from "./program.ts";

test("a process's pages are let go of, and what held them is read again", () => {
  const b = new ProgramBuilder();
  pageOut(b, 42, [
    { start: 0x200000n, length: 0x1000n },
    { start: 0x7f0000000000n, length: 0x2000n },
  ]);
  readAhead(b, "/exe");
  const program = b.build();
  const text = printProgram(program);
  const order = ["pidfd_open(42, 0)", "process_madvise(", "MADV_PAGEOUT", '"/exe"', "readahead("];
  const places = order.map((part) => text.indexOf(part));
  expect(places.every((place) => place >= 0)).toBe(true);
  expect(places).toEqual(places.toSorted((x, y) => x - y));
  const vectors = program.operations[1]?.args[1];
  if (typeof vectors !== "object" || vectors.kind !== "struct") throw new TypeError("no vectors");
  const words = new BigUint64Array(new Uint8Array(vectors.bytes).buffer);
  expect([...words]).toEqual([0x200000n, 0x1000n, 0x7f0000000000n, 0x2000n]);
});

test("no more ranges than a call takes", () => {
  const b = new ProgramBuilder();
  const ranges = Array.from({ length: 2000 }, (_, i) => ({ start: BigInt(i * 8192), length: 4096n }));
  pageOut(b, 42, ranges);
  expect(b.build().operations[1]?.args[2]).toBe(1024);
});
