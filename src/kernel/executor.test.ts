import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { messageOf } from "../errors/mod.ts";
import { CWD, open } from "./calls.ts";
import { Executor } from "./executor.ts";
import { flags, O } from "./flags.ts";
import { installNativeBinary } from "./native-binary.ts";
import { bytes, ProgramBuilder, type Program } from "./program.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-executor-`);
let executor: Executor;
beforeAll(() => {
  executor = Executor.start(installNativeBinary(directory));
});
afterAll(() => {
  executor.close();
  rmSync(directory, { recursive: true });
});

function program(add: (b: ProgramBuilder) => void): Program {
  const b = new ProgramBuilder();
  add(b);
  return b.build();
}

test("results and what was read come back", async () => {
  writeFileSync(`${directory}/file`, "content");
  const b = new ProgramBuilder();
  const out = b.out(16);
  const read = b.composite("read it", "read", [CWD, `${directory}/file`, out, 0]);
  const who = b.call("ask who this is", "getpid", []);
  const missing = b.call("go nowhere", "chdir", [`${directory}/none`], { tolerate: ["ENOENT"] });
  const skipped = b.call("close what isn't open", "close", [b.slot("empty")], { optional: true });
  const outcome = await executor.run(b.build());
  expect(outcome.valueOf(read)).toBe(7);
  expect(Buffer.from(outcome.bytesOf(out)).toString("latin1", 0, 7)).toBe("content");
  expect(outcome.valueOf(who)).toBe(executor.pid);
  expect(outcome.valueOf(missing)).toBe(-2);
  expect(outcome.valueOf(skipped)).toBeUndefined();
});

test("replies of a megabyte come whole, whatever comes before, between and behind them", async () => {
  const content = Buffer.alloc(1 << 20, "0123456789abcdef");
  writeFileSync(`${directory}/long`, content);
  const b = new ProgramBuilder();
  const out = b.out(content.length + 1);
  b.composite("read it", "read", [CWD, `${directory}/long`, out, 0]);
  const long = b.build();
  const short = program((p) => p.call("ask", "getpid", []));
  const asked = Array.from({ length: 4 }, () => [
    executor.fork(short),
    executor.fork(long),
    executor.run(short),
  ]);
  const answered = await Promise.all(asked.flat());
  const whole = answered.filter((_, n) => n % 3 === 1).map((outcome) => Buffer.from(outcome.bytesOf(out)));
  expect(whole.map((got) => got.subarray(0, content.length).equals(content))).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

test("a failure names what was being done and the call", async () => {
  const failing = program((b) =>
    open(b, "open the layer", CWD, `${directory}/none`, flags(O, "RDONLY"), b.slot("layer")),
  );
  expect(await executor.run(failing, { doing: "test it" }).then(() => "", messageOf)).toBe(
    `test it: open the layer: openat(AT_FDCWD, "${directory}/none", O_RDONLY) = <layer>: ENOENT (no such file or directory) [step 0]`,
  );
});

test("run is the executor itself, fork a process of its own", async () => {
  const b = new ProgramBuilder();
  const who = b.call("ask who this is", "getpid", []);
  const [run, fork] = await Promise.all([executor.run(b.build()), executor.fork(b.build())]);
  expect(run.valueOf(who)).toBe(executor.pid);
  expect(fork.valueOf(who)).not.toBe(executor.pid);
});

test("forks run side by side: one that waits doesn't hold up another, and its deadline ends it", async () => {
  // poll(2) of nothing for a minute.
  const slow = program((b) =>
    b.call("wait", "ppoll", [0, 0, bytes(new Uint8Array([60, ...Array(15).fill(0)]), "60 s"), 0, 0]),
  );
  let order: string[] = [];
  // On a busy machine a fork may take longer than a deadline; the first one that leaves room for it counts.
  for (let deadline = 20; order[0] !== "quick" && deadline < 30_000; deadline *= 4) {
    order = [];
    const waiting = executor.fork(slow, { doing: "wait", deadline }).catch((error: unknown) => {
      order.push(messageOf(error));
    });
    await executor.fork(program((b) => b.call("ask", "getpid", []))).then(() => order.push("quick"));
    await waiting;
  }
  expect(order[0]).toBe("quick");
  expect(order[1]).toContain("was stopped: the deadline passed");
}, 120_000);

test("an executor that dies fails what waits for it and what comes after", async () => {
  const other = Executor.start(installNativeBinary(directory));
  await other.run(program((b) => b.call("ask", "getpid", [])));
  const slow = program((b) => b.call("wait", "ppoll", [0, 0, 0, 0, 0]));
  const waiting = other.run(slow, { doing: "wait" }).then(() => "", messageOf);
  process.kill(other.pid, "SIGKILL");
  expect(await waiting).toMatch(/^wait: the executor (ended|failed)/);
  expect(other.lost).toBe(true);
  expect(await other.run(slow, { doing: "go on" }).then(() => "", messageOf)).toMatch(
    /^go on: the executor (ended|failed)/,
  );
});
