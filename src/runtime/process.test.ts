import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder, type Operation } from "../kernel/mod.ts";
import { becomeProcess, setOomScore, setStreams } from "./process.ts";
import type { SpecProcess } from "./spec.ts";
import { exampleSpec } from "./testing.ts";

const options = { lastCapability: 40, dieWithShim: false };

function operations(change: Partial<SpecProcess>, more: object = {}): readonly Operation[] {
  const b = new ProgramBuilder();
  const process = { ...exampleSpec().process, ...change };
  becomeProcess(b, process, b.slot("channel"), { ...options, ...more });
  return b.build().operations;
}

const shown = (change: Partial<SpecProcess>, more: object = {}): string =>
  printProgram({ operations: operations(change, more), slots: 1, outputs: 0 });

test("a program with a slash is executed as it is, another is looked for in the process's own PATH", () => {
  expect(shown({ args: ["./run", "-x"], env: [] })).toContain('execve("./run", ["./run", "-x"], [])');
  const searched = operations({ args: ["sh"], env: ["PATH=/a", "PATH=/usr/bin/:relative::/bin"] });
  const tries = searched.filter(({ call }) => call === "execve");
  expect(tries.map(({ args }) => args[0])).toEqual(["/usr/bin/sh", "/bin/sh"]);
  expect(tries.every(({ tolerate }) => tolerate?.includes("ENOENT"))).toBe(true);
  expect(searched.at(-1)?.call).toBe("fail");
});

test("every descriptor but the streams and the channel is closed first", () => {
  const [move, between, above] = operations({});
  expect(move?.args).toMatchObject([{ name: "channel" }, 63, {}]);
  expect(between?.args).toEqual([3, 62, 0]);
  expect(above?.args[0]).toBe(64);
});

test("rights are given up in the order in which they are needed", () => {
  const labels = operations({ noNewPrivileges: true }).map(({ label }) => label);
  const order = [
    "set the file mode mask",
    "set the group",
    "set the user",
    "go to /work",
    "set the capabilities",
    "forbid new privileges",
  ];
  const places = order.map((label) => labels.indexOf(label));
  expect(places[0]).toBeGreaterThan(0);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(labels.findIndex((label) => label.startsWith("give up CAP_"))).toBeLessThan(places[2] ?? 0);
});

test("what may never be had again is dropped from the bounding set, the rest stays", () => {
  const text = shown({ capabilities: { bounding: ["CAP_CHOWN"], ambient: ["CAP_KILL"] } });
  expect(text.match(/PR_CAPBSET_DROP/g)).toHaveLength(40);
  expect(text).not.toContain("PR_CAPBSET_DROP, CAP_CHOWN");
  expect(text).toContain("prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)");
  expect(shown({ capabilities: undefined })).not.toContain("capset");
});

test("limits: no limit is the largest number, what can't be right is refused", () => {
  const limit = operations({ rlimits: [{ type: "RLIMIT_CORE", soft: 0, hard: -1 }] }).find(
    ({ call }) => call === "prlimit64",
  );
  expect(limit?.args[1]).toMatchObject({ value: 4 });
  const struct = limit?.args[2];
  const bytes = typeof struct === "object" && struct.kind === "struct" ? struct.bytes : new Uint8Array();
  expect(Buffer.from(bytes).toString("hex")).toBe(`${"00".repeat(8)}${"ff".repeat(8)}`);
  expect(() => operations({ rlimits: [{ type: "RLIMIT_X", soft: 0, hard: 0 }] })).toThrow(
    "unknown rlimit RLIMIT_X",
  );
});

test("a working directory outside of the root is refused after going there", () => {
  const text = shown({ cwd: "/proc/self/fd/7" });
  expect(text.indexOf('chdir("/proc/self/fd/7")')).toBeLessThan(text.indexOf("getcwd("));
  expect(text).toContain("'/', ENOENT)");
});

test("supplementary groups are set even when there are none", () => {
  expect(shown({ user: { uid: 1, gid: 2 } })).toContain("setgroups(0, 0)");
  expect(shown({ user: { uid: 1, gid: 2, additionalGids: [5, 6] } })).toContain("setgroups(2, [5, 6])");
  expect(shown({ user: { uid: 1, gid: 2 } })).toContain("setresuid(1, 1, 1)");
});

test("dying with the shim is set after the user, which would undo it", () => {
  const text = shown({}, { dieWithShim: true });
  expect(text.indexOf("PR_SET_PDEATHSIG, SIGKILL")).toBeGreaterThan(text.indexOf("setresuid("));
  expect(shown({})).not.toContain("PDEATHSIG");
});

test("a terminal is all three streams and the controlling one", () => {
  const b = new ProgramBuilder();
  const streams = { stdin: b.slot("stdin"), stdout: b.slot("stdout"), stderr: b.slot("stderr") };
  setStreams(b, streams, undefined);
  expect(printProgram(b.build())).toContain("dup3(<stderr>, 2, 0)");
  expect(printProgram(b.build())).not.toContain("TIOCSCTTY");
  const tty = new ProgramBuilder();
  setStreams(tty, streams, tty.slot("terminal"));
  expect(printProgram(tty.build()).match(/dup3\(<terminal>, [012], 0\)/g)).toHaveLength(3);
  expect(printProgram(tty.build())).toContain("ioctl(0, TIOCSCTTY, 0)");
});

test("only a score that was raised must be set", () => {
  const tolerated = (score: number): unknown => {
    const b = new ProgramBuilder();
    setOomScore(b, "self", score);
    return b.build().operations[0]?.tolerate;
  };
  expect(tolerated(100)).toEqual([]);
  expect(tolerated(0)).toEqual(["EACCES", "EPERM"]);
  const b = new ProgramBuilder();
  setOomScore(b, "self", undefined);
  expect(b.build().operations).toHaveLength(0);
});
