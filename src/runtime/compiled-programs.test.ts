import { expect, test } from "bun:test";
import { encodeProgram, printProgram } from "../kernel/mod.ts";
import { compile } from "./compile.ts";
import { CompiledPrograms } from "./compiled-programs.ts";
import type { CompileContext } from "./context.ts";
import { exampleContext, exampleSpec } from "./testing.ts";

const filter = new Uint8Array(16);
const [first, second] = ["a1".repeat(32), "b2".repeat(32)] as const;

function context(id: string, change: Partial<CompileContext> = {}): CompileContext {
  const spec = exampleSpec({
    hostname: id.slice(0, 12),
    process: { ...exampleSpec().process, env: [`HOSTNAME=${id.slice(0, 12)}`, "PATH=/bin"] },
    mounts: [
      ...exampleSpec().mounts,
      {
        destination: "/etc/hostname",
        type: "bind",
        source: `/data/containers/${id}/hostname`,
        options: ["bind"],
      },
    ],
  });
  const root = {
    kind: "overlay",
    lower: ["/layers/a"],
    upper: `/c/${id}/diff`,
    work: `/c/${id}/work`,
  } as const;
  return exampleContext({ id, spec, root, seccomp: { filter, flags: 4 }, ...change });
}

/** Whether what comes of `other` after a like one is to the byte what compiling makes. */
function expectLikeCompiled(programs: CompiledPrograms, other: CompileContext): void {
  const program = programs.compile(other);
  expect(encodeProgram(program, 24).subarray(24)).toEqual(encodeProgram(compile(other)));
  expect(printProgram(program)).toBe(printProgram(compile(other)));
}

test("the second container's program is the first's with its own id", () => {
  const programs = new CompiledPrograms();
  expectLikeCompiled(programs, context(first));
  expectLikeCompiled(programs, context(second));
  // The first one's is still its own.
  expectLikeCompiled(programs, context(first));
  expect(Buffer.from(programs.compile(context(second)).bytes ?? "").includes(first)).toBe(false);
});

test("whatever else differs is compiled", () => {
  const programs = new CompiledPrograms();
  programs.compile(context(first));
  const spec = context(second).spec;
  const changes: Partial<CompileContext>[] = [
    { openStdin: false },
    { init: true },
    { lastCapability: 38 },
    { isDirectory: () => true },
    { seccomp: { filter: new Uint8Array(24), flags: 4 } },
    { seccomp: { filter, flags: 0 } },
    { root: { kind: "directory", path: "/bundle" } },
    { spec: { ...spec, process: { ...spec.process, args: ["false"] } } },
    { spec: { ...spec, process: { ...spec.process, env: [`ID=${second.slice(1)}`] } } },
    { spec: { ...spec, linux: { ...spec.linux, rootfsPropagation: "rshared" } } },
    {
      network: {
        before: () => undefined,
        outside: () => undefined,
        inside: (b) => void b.call("look", "getpid", []),
      },
    },
  ];
  for (const change of changes) expectLikeCompiled(programs, context(second, change));
});

test("an id that a client wrote is no place for another container's", () => {
  const programs = new CompiledPrograms();
  const naming = (id: string): CompileContext => {
    const { spec } = context(id);
    return context(id, { spec: { ...spec, process: { ...spec.process, env: [`OTHER=${first}`] } } });
  };
  programs.compile(naming(first));
  expectLikeCompiled(programs, naming(second));
});
