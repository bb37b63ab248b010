import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder, type Program } from "../kernel/mod.ts";
import { makeScratch } from "./mounts.ts";
import { makeNothing, restrictPaths } from "./restrictions.ts";
import { exampleContext, exampleSpec } from "./testing.ts";

function restricted(readonlyPaths: readonly string[], maskedPaths: readonly string[]): Program {
  const spec = exampleSpec();
  const context = exampleContext({ spec: { ...spec, linux: { ...spec.linux, readonlyPaths, maskedPaths } } });
  const b = new ProgramBuilder();
  restrictPaths(b, context, b.slot("root"), b.slot("empty"), makeScratch(b));
  return b.build();
}

test("nothing to restrict takes nothing, not even /dev/null", () => {
  expect(restricted([], []).operations).toHaveLength(0);
  expect(printProgram(restricted(["/proc/sys"], []))).not.toContain("dev/null");
});

test("a missing path is passed over: all that is done to it is skipped", () => {
  const { operations } = restricted(["/proc/sys"], []);
  const [find, skip, ...body] = operations;
  expect(find?.tolerate).toEqual(["ENOENT", "ENOTDIR"]);
  expect(skip?.span).toBe(body.length);
  expect(body.map(({ call }) => call)).toEqual(["open_tree", "mount_setattr", "move_mount"]);
});

test("what covers a path is checked to be the real /dev/null first (CVE-2025-31133)", () => {
  const text = printProgram(restricted([], ["/proc/kcore"]));
  const opened = text.indexOf('openat2(<root>, "dev/null", {flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_IN_ROOT');
  const checks = ["S_IFCHR, EINVAL", "0xffffffff, 1, EINVAL", "0xffffffff, 3, EINVAL"].map((part) =>
    text.indexOf(part),
  );
  expect(opened).toBeGreaterThan(0);
  for (const check of checks) expect(check).toBeGreaterThan(opened);
  expect(text.indexOf("open_tree(</dev/null>")).toBeGreaterThan(Math.max(...checks));
});

test("a directory is covered by an empty read-only one, anything else by the null device", () => {
  const { operations } = restricted([], ["/proc/acpi"]);
  const first = operations.findIndex(({ label }) => label === "find the directory /proc/acpi");
  expect(operations[first]?.tolerate).toEqual(["ENOENT", "ENOTDIR"]);
  const directory = operations[first + 1];
  const inside = operations.slice(first + 2, first + 2 + (directory?.span ?? 0));
  expect(directory?.args.slice(1)).toEqual([{ kind: "int", value: 1, text: "<0" }, 0]);
  expect(inside.map(({ call }) => call)).toEqual(["open_tree", "move_mount"]);
  expect(inside[0]?.args[0]).toMatchObject({ name: "empty" });
  const other = operations.slice(first + 2 + inside.length);
  expect(other[0]?.args.slice(1)).toEqual([{ kind: "int", value: 6, text: ">=0" }, 0]);
  expect(other[0]?.span).toBe(other.length - 1);
  expect(other.map(({ call }) => call)).toContain("open_tree");
});

test("where the kernel can't clone what isn't mounted, each directory is covered by an empty one of its own", () => {
  const spec = exampleSpec();
  const root = { kind: "overlay", lower: ["/l"], upper: "/u", work: "/w", staged: true } as const;
  const linux = { ...spec.linux, readonlyPaths: [], maskedPaths: ["/proc/acpi"] };
  const context = exampleContext({ root, spec: { ...spec, linux } });
  const b = new ProgramBuilder();
  const ids = { uid: (id: number) => id, gid: (id: number) => id };
  makeNothing(b, context, ids, b.slot("scratch"), b.slot("empty"));
  expect(b.build().operations).toHaveLength(0);
  restrictPaths(b, context, b.slot("root"), b.slot("empty"), makeScratch(b));
  const text = printProgram(b.build());
  expect(text).not.toContain("open_tree(<empty>");
  expect(text).toContain('fsopen("tmpfs"');
});

test("the empty directory is made once, belongs to the container's root, and is kept by the shim", () => {
  const b = new ProgramBuilder();
  const empty = b.slot("empty");
  makeNothing(
    b,
    exampleContext(),
    { uid: (id) => 700 + id, gid: (id) => 800 + id },
    b.slot("context"),
    empty,
  );
  const { operations } = b.build();
  expect(operations.map(({ call }) => call)).toEqual([
    "fsopen",
    "fsconfig",
    "fsconfig",
    "fsconfig",
    "fsconfig",
    "fsmount",
    "close",
    "keep",
  ]);
  expect(operations.slice(2, 4).map(({ args }) => args.slice(2, 4))).toEqual([
    ["uid", "700"],
    ["gid", "800"],
  ]);
});
