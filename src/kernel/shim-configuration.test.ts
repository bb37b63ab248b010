import { expect, test } from "bun:test";
import { encodeProgram } from "./encode.ts";
import { ProgramBuilder } from "./program.ts";
import { encodeShim, type ShimOptions } from "./shim-configuration.ts";

const builder = new ProgramBuilder();
builder.composite("leave", "fail", [1]);
const program = builder.build();

const options: ShimOptions = {
  id: "é1",
  directory: "/run/caisson/é1",
  program,
  tty: false,
  openStdin: true,
  stdinOnce: false,
  expectedAttaches: 2,
  rows: 40,
  columns: 120,
};

/** The strings behind the header, and where they end. */
function strings(wire: Buffer): { readonly texts: readonly string[]; readonly end: number } {
  const texts: string[] = [];
  let at = 40;
  for (let i = 0; i < 4; i++) {
    const length = wire.readUInt32LE(at);
    texts.push(wire.toString("utf8", at + 4, at + 4 + length));
    expect(wire[at + 4 + length]).toBe(0);
    at = (at + 4 + length + 1 + 3) & ~3;
  }
  return { texts, end: (at + 7) & ~7 };
}

test("the layout of PROTOCOL.md, section 3, with the program behind it", () => {
  const wire = Buffer.from(
    encodeShim({ ...options, log: { path: "/log", limit: 2 ** 40, files: 3, attributes: "é", pipeSize: 7 } }),
  );
  expect(wire.toString("latin1", 0, 4)).toBe("SHM1");
  expect(wire.readUInt32LE(8)).toBe(2);
  expect([wire.readUInt16LE(12), wire.readUInt16LE(14)]).toEqual([40, 120]);
  expect(wire.readBigUInt64LE(16)).toBe(2n ** 40n);
  expect([wire.readUInt32LE(24), wire.readUInt32LE(28)]).toEqual([3, 7]);
  const { texts, end } = strings(wire);
  expect(texts).toEqual(["é1", "/run/caisson/é1", "/log", "é"]);
  expect(wire.subarray(end)).toEqual(Buffer.from(encodeProgram(program)));
});

test("without a log there is no path, and one file at least", () => {
  const wire = Buffer.from(encodeShim(options));
  expect(strings(wire).texts[2]).toBe("");
  expect([wire.readBigUInt64LE(16), wire.readUInt32LE(24)]).toEqual([0n, 1]);
  const none = Buffer.from(encodeShim({ ...options, log: { path: "/l", limit: 0, files: 0 } }));
  expect(none.readUInt32LE(24)).toBe(1);
});

test.each([
  [{ tty: true, openStdin: false, stdinOnce: false }, 1],
  [{ tty: false, openStdin: true, stdinOnce: false }, 2],
  [{ tty: false, openStdin: true, stdinOnce: true }, 6],
  [{ tty: false, openStdin: false, stdinOnce: false }, 0],
  [{ tty: true, openStdin: false, log: { path: "/l", limit: 1, files: 2, keepsUnmarked: true } }, 9],
  [{ tty: true, openStdin: false, log: { path: "/l", limit: 1, files: 2, impatient: true } }, 17],
])("%p", (change, flags) => {
  expect(Buffer.from(encodeShim({ ...options, ...change })).readUInt32LE(4)).toBe(flags);
});
