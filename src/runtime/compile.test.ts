import { expect, test } from "bun:test";
import { encodeProgram, printProgram, type Operation } from "../kernel/mod.ts";
import { compile } from "./compile.ts";
import { exampleContext, exampleSpec } from "./testing.ts";

const labels = (operations: readonly Operation[]): string[] => operations.map(({ label }) => label);

test("the whole program of a container, in order and in words", () => {
  const program = compile(exampleContext({ seccomp: { filter: new Uint8Array(16), flags: 4 } }));
  expect(printProgram(program)).toMatchSnapshot();
  expect(encodeProgram(program).length).toBeGreaterThan(0);
});

test("without a user namespace nothing is mapped and layers are taken by their paths", () => {
  const { linux, ...rest } = exampleSpec();
  const spec = {
    ...rest,
    mounts: [],
    linux: {
      ...linux,
      namespaces: linux.namespaces.filter(({ type }) => type !== "user"),
      uidMappings: undefined,
      gidMappings: undefined,
    },
  };
  const text = printProgram(compile(exampleContext({ spec })));
  expect(text).not.toContain("uid_map");
  expect(text).not.toContain("MOUNT_ATTR_IDMAP");
  expect(text).toContain('"lowerdir+", "/layers/b"');
});

test("joined namespaces are entered by a process between, which clones the container as the shim's child", () => {
  const { linux, ...rest } = exampleSpec();
  const spec = {
    ...rest,
    linux: {
      ...linux,
      namespaces: [{ type: "mount" as const }, { type: "ipc" as const }, { type: "uts" as const }],
    },
  };
  const namespaces = new Set(["network", "pid", "user"]);
  const { operations } = compile(exampleContext({ spec, join: { pid: 77, namespaces } }));
  const text = printProgram({ operations, slots: 0, outputs: 0 });
  expect(text).toContain("setns(<the joined process>, CLONE_NEWNET|CLONE_NEWPID|CLONE_NEWUSER)");
  expect(text).toContain("clone(CLONE_PARENT|CLONE_NEWNS|CLONE_NEWIPC|CLONE_NEWUTS");
  expect(labels(operations)).not.toContain("start the loopback interface");
  expect(labels(operations).at(-1)).toBe("reap the process between");
});

test("a process that joins namespaces gets its OOM score while it still sees the host's /proc", () => {
  const spec = exampleSpec();
  const { operations } = compile(
    exampleContext({
      spec: { ...spec, process: { ...spec.process, oomScoreAdj: 300 } },
      join: { pid: 77, namespaces: new Set(["pid"]) },
    }),
  );
  const order = labels(operations);
  const score = order.indexOf("set how soon it is killed for memory");
  expect(score).toBeGreaterThan(order.indexOf("make the process between"));
  expect(score).toBeLessThan(order.indexOf("enter the joined namespaces"));
});

test("a terminal is opened inside, passed to the shim, and becomes all three streams", () => {
  const spec = exampleSpec();
  const process = { ...spec.process, terminal: true, consoleSize: { height: 40, width: 120 } };
  const text = printProgram(compile(exampleContext({ spec: { ...spec, process } })));
  expect(text).toContain("{ws_row=40, ws_col=120}");
  expect(text).toContain("dup3(<terminal's slave>, 0, 0)");
  expect(text).toContain("take(<channel>, [<terminal>])");
  expect(text).not.toContain("fchown(<stdout>");
});

test("the filter comes before the capabilities are gone, or after no_new_privs", () => {
  const seccomp = { filter: new Uint8Array(8), flags: 0 };
  const spec = exampleSpec();
  const early = labels(compile(exampleContext({ seccomp })).operations);
  expect(early.indexOf("restrict system calls")).toBeLessThan(early.indexOf("set the user"));
  const process = { ...spec.process, noNewPrivileges: true };
  const late = labels(compile(exampleContext({ seccomp, spec: { ...spec, process } })).operations);
  expect(late.indexOf("restrict system calls")).toBeGreaterThan(late.indexOf("forbid new privileges"));
});

test("what can't be right is refused before anything runs", () => {
  const spec = exampleSpec();
  const with_ =
    (process: object): (() => unknown) =>
    () =>
      compile(exampleContext({ spec: { ...spec, process: { ...spec.process, ...process } } }));
  expect(with_({ args: [] })).toThrow("no command specified");
  expect(with_({ rlimits: [{ type: "RLIMIT_X", soft: 1, hard: 1 }] })).toThrow("unknown rlimit RLIMIT_X");
  const twice = { type: "RLIMIT_CORE", soft: 1, hard: 1 };
  expect(with_({ rlimits: [twice, twice] })).toThrow("given twice");
  expect(with_({ user: { uid: 70000, gid: 0 } })).toThrow("uid 70000 is not in the container's id range");
  const unknown = { ...spec, mounts: [{ destination: "/x", source: "/dev/sda" }] };
  expect(() => compile(exampleContext({ spec: unknown }))).toThrow("unknown type none");
});
