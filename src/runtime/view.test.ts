import { expect, test } from "bun:test";
import type { Program } from "../kernel/mod.ts";
import { compileView } from "./view.ts";

const mappings = [{ containerID: 0, hostID: 0x70000000, size: 65536 }];
const root = { kind: "overlay", lower: ["/layers/a"], upper: "/c/diff", work: "/c/work" } as const;
const volume = {
  destination: "/v",
  type: "bind",
  source: "/volumes/v",
  options: ["rbind", "rprivate", "idmap"],
};

/** Calls whose order matters. */
function order(program: Program, ...calls: readonly string[]): number[] {
  return calls.map((call) => program.operations.findIndex((operation) => operation.call === call));
}

test("a stopped container: its root is locked first, and the session becomes its root user last", () => {
  const program = compileView({
    kind: "stopped",
    root,
    mappings,
    mounts: [volume],
    isDirectory: () => true,
    readOnly: true,
  });
  const found = order(program, "flock", "fsopen", "move_mount", "pivot_root", "setresuid");
  expect(found).not.toContain(-1);
  expect(found).toEqual(found.toSorted((a, b) => a - b));
  expect(program.operations.some(({ label }) => label === "make the root read-only")).toBe(true);
  const enters = program.operations.findLast(({ call }) => call === "setns");
  expect(enters?.label).toBe("enter the container's user namespace");
  // The lock is the one thing that stays open beside the root.
  const closed = program.operations.filter(({ call }) => call === "close").map(({ label }) => label);
  expect(closed).not.toContain("close lock");
  expect(closed).toContain("close root");
});

test("places of mounts that are made in a stopped container become its root's", () => {
  const compiled = (ids: { mappings?: typeof mappings }): Program =>
    compileView({
      kind: "stopped",
      root,
      mounts: [volume],
      isDirectory: () => true,
      readOnly: false,
      ...ids,
    });
  const gifts = ({ operations }: Program): string[] =>
    operations.filter(({ call }) => call === "fchownat").map(({ args }) => JSON.stringify(args));
  expect(gifts(compiled({ mappings })).every((args) => args.includes(String(0x70000000)))).toBe(true);
  expect(gifts(compiled({ mappings }))).not.toEqual([]);
  expect(gifts(compiled({}))).toEqual([]);
});

test("a running container: its mounts are taken in its namespace and attached in one of the session's own", () => {
  const program = compileView({ kind: "running", pid: 77, user: true, destinations: ["/v", "/etc/hosts"] });
  const labels = program.operations.map(({ label }) => label);
  const steps = ["enter its mount namespace", "take its root", "take /v", "go back", "mount /v"];
  const found = steps.map((label) => labels.indexOf(label));
  expect(found).not.toContain(-1);
  expect(found).toEqual(found.toSorted((a, b) => a - b));
  // Its root alone, without what the kernel shows there.
  const clone = program.operations.find(({ label }) => label === "take its root");
  expect(JSON.stringify(clone?.args)).not.toContain("RECURSIVE");
});

test("without a user namespace nothing is entered", () => {
  const program = compileView({ kind: "running", pid: 77, user: false, destinations: [] });
  expect(program.operations.some(({ call }) => call === "setresuid")).toBe(false);
});
