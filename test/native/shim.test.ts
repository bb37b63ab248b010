/**
 * The shim, started as the engine starts it. Needs root for nothing but the executor; needs `make -C native`.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Executor, KernelError, type ShimOptions } from "../../src/kernel/mod.ts";
import { binary } from "./programs.ts";
import {
  Attach,
  CLOSE_STDIN,
  Control,
  ended,
  EXITED,
  EXPECT,
  GO,
  HELD,
  OUTPUT,
  records,
  RESIZE,
  ROTATE,
  RUNNING,
  shell,
  shimIn,
  SIGNAL,
  STDIN,
  until,
} from "./shims.ts";

let scratch: string;
let executor: Executor;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "caisson-shim-test-"));
  executor = Executor.start(binary);
});
afterAll(() => {
  executor.close();
  rmSync(scratch, { recursive: true });
});

/** Starts a shim that runs `script`. */
async function start(script: string, options: Partial<ShimOptions> = {}): Promise<ShimOptions> {
  const shim = shimIn(scratch, shell(script, { tty: options.tty === true }), options);
  await executor.shim(shim);
  return shim;
}

const input: Partial<ShimOptions> = { openStdin: true, stdinOnce: true };

describe("log", () => {
  /** The part between the quotes that dockerd 28 wrote for these bytes and a newline. */
  const recorded: readonly (readonly [string, string])[] = [
    ["plain", "plain"],
    ["", ""],
    ['"\\<>&/\x7f\t\r', '\\"\\\\\\u003c\\u003e\\u0026/\x7f\\u0009\\r'],
    ["\x00\x07\b\v\f\x1b", "\\u0000\\u0007\\u0008\\u000b\\u000c\\u001b"],
    ["é€😀\ufffd", "é€😀\ufffd"],
    ["a\u2028b\u2029\u2027", "a\\u2028b\\u2029\u2027"],
    ["0123456789abcdef\x80<0123456789abcdef0", "0123456789abcdef\xc2\x80\\u003c0123456789abcdef0"],
  ];
  const invalid: readonly (readonly [number[], number])[] = [
    [[0xff], 1],
    [[0xc0, 0x80], 2],
    [[0xe2, 0x82], 2],
    [[0xed, 0xa0, 0x80], 3],
    [[0xf0, 0x8f, 0xbf, 0xbf], 4],
    [[0xf4, 0x90, 0x80, 0x80], 4],
  ];

  test("escapes as Docker does, byte for byte", async () => {
    const file = join(scratch, "lines");
    const lines = [
      ...recorded.map(([line]) => Buffer.from(`${line}\n`)),
      ...invalid.map(([line]) => Buffer.from([...line, 10])),
    ];
    writeFileSync(file, Buffer.concat(lines));
    const shim = await start(`cat ${file}`);
    await ended(shim);
    const texts = [
      ...recorded.map(([, text]) => text.replaceAll("\xc2\x80", "\x80")),
      ...invalid.map(([, n]) => "\\ufffd".repeat(n)),
    ];
    const time = /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"/g;
    const log = readFileSync(shim.log?.path ?? "", "utf8").replaceAll(time, "T");
    expect(log).toBe(texts.map((text) => `{"log":"${text}\\n","stream":"stdout",T}\n`).join(""));
  });

  test("long lines are cut at 16 KiB and share their time; a line without an end is kept", async () => {
    const shim = await start(
      `head -c 40000 /dev/zero | tr '\\0' x; echo; head -c 16384 /dev/zero | tr '\\0' y; echo; printf end`,
    );
    await ended(shim);
    const all = records(shim);
    expect(all.map(({ log }) => log.length)).toEqual([16384, 16384, 7233, 16384, 1, 3]);
    expect(all[2]?.log.endsWith("x\n")).toBe(true);
    expect(new Set(all.slice(0, 3).map(({ time }) => time)).size).toBe(1);
    expect(all[5]?.log).toBe("end");
  });

  test("both streams have lines of their own", async () => {
    const shim = await start("printf one; printf two >&2; sleep 0.05; echo 1; echo 2 >&2");
    await ended(shim);
    const all = records(shim).map(({ log, stream }) => `${stream}: ${log}`);
    expect(all.toSorted()).toEqual(["stderr: two2\n", "stdout: one1\n"]);
  });

  test("is rotated before it grows over its limit, and when told", async () => {
    const directory = mkdtempSync(join(scratch, "log-"));
    const log = { path: join(directory, "x-json.log"), limit: 5000, files: 3 };
    const shim = await start("i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done", { log });
    await ended(shim);
    expect(readdirSync(directory).toSorted()).toEqual(["x-json.log", "x-json.log.1", "x-json.log.2"]);
    const kept = [".2", ".1", ""].flatMap((suffix) => {
      expect(statSync(log.path + suffix).size).toBeLessThanOrEqual(5000);
      return records(shim, suffix).map((record) => record.log);
    });
    expect(kept.length).toBeGreaterThan(100);
    expect(kept).toEqual(Array.from(kept, (_, i) => `line ${500 - kept.length + i}\n`));

    const next = await start("echo before; read x; echo after", { ...input, log: { ...log, limit: 0 } });
    await until("the first line", () => readFileSync(log.path, "utf8").includes("before"));
    (await Control.to(next)).say(ROTATE);
    await until("the rotation", () => statSync(log.path).size === 0);
    (await Attach.to(next, STDIN)).socket.write("\n");
    await ended(next);
    expect(records(next).map((record) => record.log)).toEqual(["after\n"]);
    expect(records(next, ".1").at(-1)?.log).toBe("before\n");
  });

  test("waits for room on a full disk; nothing of either stream is lost", async () => {
    const disk = mkdtempSync(join(scratch, "disk-"));
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", disk]).status).toBe(0);
    try {
      const filler = join(disk, "filler");
      writeFileSync(filler, Buffer.alloc(56 << 10));
      const script = "for i in $(seq 200); do echo out $i; echo err $i >&2; done";
      const shim = await start(script, { log: { path: join(disk, "x-json.log"), limit: 0, files: 1 } });
      await delay(400);
      expect(existsSync(join(shim.directory, "exit"))).toBe(false);
      rmSync(filler);
      expect(await ended(shim)).toMatchObject({ code: 0 });
      for (const stream of ["out", "err"])
        expect(
          records(shim)
            .filter((record) => record.stream === `std${stream}`)
            .map(({ log }) => log),
        ).toEqual(Array.from({ length: 200 }, (_, i) => `${stream} ${i + 1}\n`));
    } finally {
      spawnSync("umount", [disk]);
    }
  });
});

describe("attach", () => {
  test("input sent before the process runs reaches it; its end closes stdin", async () => {
    const shim = shimIn(scratch, shell("cat; echo over >&2", { hold: true }), {
      ...input,
      expectedAttaches: 1,
    });
    const started = executor.shim(shim);
    const control = await Control.to(shim);
    await control.reached(HELD);
    const attach = await Attach.to(shim, STDIN | OUTPUT);
    attach.socket.write("early ");
    control.say(GO);
    const { pid } = await started;
    attach.socket.end("late\n");
    expect(await attach.streams()).toEqual({ stdout: "early late\n", stderr: "over\n" });
    expect(await control.reached(EXITED)).toMatchObject({ pid, code: 0, signal: 0 });
    expect(control.states.map(({ phase }) => phase)).toContain(RUNNING);
    await ended(shim);
  });

  test("a process that was held for longer than a shim stays busy runs all the same", async () => {
    const shim = shimIn(scratch, shell("echo ran", { hold: true }), { ...input, expectedAttaches: 1 });
    const started = executor.shim(shim);
    const control = await Control.to(shim);
    await control.reached(HELD);
    // After a second without work a shim gives back the memory that it doesn't need any more.
    await delay(1200);
    const attach = await Attach.to(shim, OUTPUT);
    control.say(GO);
    await started;
    expect(await attach.streams()).toEqual({ stdout: "ran\n", stderr: "" });
    expect(await control.reached(EXITED)).toMatchObject({ code: 0 });
    await ended(shim);
  });

  test("a hang-up is not the end of stdin; CLOSE_STDIN is", async () => {
    const shim = await start("cat", input);
    const first = await Attach.to(shim, STDIN);
    first.socket.write("one\n", () => first.socket.destroy());
    await until("the first line", () => readFileSync(shim.log?.path ?? "", "utf8").includes("one"));
    const attach = await Attach.to(shim, STDIN | OUTPUT);
    attach.socket.write("two\n");
    await until("the second line", () => readFileSync(shim.log?.path ?? "", "utf8").includes("two"));
    (await Control.to(shim)).say(CLOSE_STDIN);
    expect(await attach.streams()).toEqual({ stdout: "two\n", stderr: "" });
    expect((await ended(shim)).code).toBe(0);
  });

  test("a client that reads nothing stops the container; nobody loses a byte", async () => {
    const size = 3_000_000;
    const shim = await start(`head -c ${size} /dev/zero | tr '\\0' x`, { expectedAttaches: 2 });
    const [quick, slow] = [await Attach.to(shim, OUTPUT), await Attach.to(shim, OUTPUT)];
    slow.socket.pause();
    const first = quick.streams();
    await delay(300);
    expect(statSync(shim.log?.path ?? "").size).toBeLessThan(size / 2);
    expect((await slow.streams()).stdout.length).toBe(size);
    expect((await first).stdout.length).toBe(size);
    await ended(shim);
    expect(records(shim).reduce((sum, { log }) => sum + log.length, 0)).toBe(size);
  });

  test("a stuck client delays neither the exit record nor a byte of its own", async () => {
    const shim = await start("head -c 200000 /dev/zero | tr '\\0' x; echo end >&2", { expectedAttaches: 1 });
    const attach = await Attach.to(shim, OUTPUT);
    attach.socket.pause();
    await until("the record", () => existsSync(join(shim.directory, "exit")));
    expect(records(shim).reduce((sum, { log }) => sum + log.length, 0)).toBe(200004);
    const { stdout, stderr } = await attach.streams();
    expect([stdout.length, stderr]).toEqual([200000, "end\n"]);
    await ended(shim);
  });

  test("output waits for the expected clients until they are called off", async () => {
    const shim = await start("echo hello", { expectedAttaches: 3 });
    await delay(100);
    expect(statSync(shim.log?.path ?? "").size).toBe(0);
    (await Control.to(shim)).say(EXPECT, 1);
    expect((await (await Attach.to(shim, OUTPUT)).streams()).stdout).toBe("hello\n");
    await ended(shim);
  });
});

describe("terminal", () => {
  test("has its size from the start, is resized, and may be closed and opened again", async () => {
    const script = `stty size; tty=$(tty); exec <&- >&- 2>&-; sleep 0.1; exec <$tty >$tty 2>&1
      trap 'stty size' WINCH; echo ready; while ! read line; do :; done; echo got $line`;
    const shim = await start(script, {
      tty: true,
      openStdin: true,
      expectedAttaches: 1,
      rows: 33,
      columns: 77,
    });
    const attach = await Attach.to(shim, STDIN | OUTPUT);
    const output = attach.output();
    const seen = (): string => readFileSync(shim.log?.path ?? "", "utf8");
    await until("the trap", () => seen().includes("ready"));
    (await Control.to(shim)).say(RESIZE, 50 | (100 << 16));
    await until("the resize", () => seen().includes("50 100"));
    attach.socket.write("hi\r");
    expect((await output).toString()).toBe("33 77\r\nready\r\n50 100\r\nhi\r\ngot hi\r\n");
    await ended(shim);
    expect(
      records(shim)
        .map(({ log }) => log)
        .join(""),
    ).toBe((await output).toString());
  });
});

describe("exit", () => {
  test("is on record with its code or signal, and nothing but the record stays", async () => {
    const shim = await start("exit 7");
    expect(await ended(shim)).toMatchObject({ code: 7, signal: 0 });
    expect(readdirSync(shim.directory).toSorted()).toEqual(["exit", "x-json.log"]);
    const killed = await start("exec sleep 100");
    (await Control.to(killed)).say(SIGNAL, 9);
    expect(await ended(killed)).toMatchObject({ code: 137, signal: 9 });
  });

  test("does not wait for those who inherited the output", async () => {
    const shim = await start("sleep 3 & echo x");
    const before = performance.now();
    await ended(shim);
    expect(performance.now() - before).toBeLessThan(1500);
    expect(records(shim).map(({ log }) => log)).toEqual(["x\n"]);
  });

  test("a program that fails says which operation, and leaves nothing", async () => {
    const shim = shimIn(scratch, shell("true"), {
      log: { path: "/no/such/directory/log", limit: 0, files: 1 },
    });
    const noLog = await executor.shim(shim).catch((e: unknown) => e);
    // Stages of the set-up are beyond any operation: native/PROTOCOL.md, section 3.
    expect(noLog).toMatchObject({ index: 0xfffffff3, errnoName: "ENOENT" });
    expect(readdirSync(shim.directory)).toEqual([]);
    const program = shell("true");
    const operations = program.operations.map((o) =>
      o.call === "execve" ? { ...o, args: ["/no/such/program", ...o.args.slice(1)] } : o,
    );
    const other = shimIn(scratch, { ...program, operations });
    const error = await executor.shim(other).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KernelError);
    expect(error).toMatchObject({
      index: operations.findIndex((o) => o.call === "execve"),
      errnoName: "ENOENT",
    });
    expect(readdirSync(other.directory)).toEqual(["x-json.log"]);
  });
});

describe("the engine dies", () => {
  /** An engine that starts the shim of `directory`, attaches, says so, and reads nothing more. */
  const engine = (directory: string, hold: boolean): string => `
    import { Executor } from ${JSON.stringify(join(import.meta.dir, "../../src/kernel/mod.ts"))};
    import { Attach, Control, shell, shimIn, GO } from ${JSON.stringify(join(import.meta.dir, "shims.ts"))};
    const program = shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; cat", { hold: true });
    const shim = { ...shimIn(${JSON.stringify(scratch)}, program), directory: ${JSON.stringify(directory)},
      openStdin: true, stdinOnce: true, expectedAttaches: 1,
      log: { path: ${JSON.stringify(join(directory, "x-json.log"))}, limit: 0, files: 1 } };
    const executor = Executor.start(${JSON.stringify(binary)});
    void executor.shim(shim);
    const control = await Control.to(shim);
    const attach = await Attach.to(shim, 7);
    attach.socket.write("from the engine\\n");
    ${hold ? "" : 'control.say(GO); attach.socket.once("data", () => { attach.socket.pause(); console.log("running"); });'}
    ${hold ? 'console.log("held");' : ""}
    setInterval(() => undefined, 1000);`;

  async function killEngine(hold: boolean): Promise<string> {
    const directory = mkdtempSync(join(scratch, "engine-"));
    const child = spawn(process.execPath, ["-e", engine(directory, hold)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    return directory;
  }

  for (const hold of [false, true]) {
    test(`${hold ? "before GO" : "while output flows"}: the next one finds everything`, async () => {
      const directory = await killEngine(hold);
      const log = { path: join(directory, "x-json.log"), limit: 0, files: 1 };
      const shim: ShimOptions = { ...shimIn(scratch, shell("")), directory, log };
      const control = await Control.to(shim);
      if (hold) {
        await control.reached(HELD);
        control.say(GO);
      }
      await control.reached(RUNNING);
      await until("the last line", () => readFileSync(log.path, "utf8").includes("from the engine"));
      const attach = await Attach.to(shim, STDIN | OUTPUT);
      attach.socket.end("from the next one\n");
      expect((await attach.streams()).stdout).toContain("from the next one\n");
      expect(await ended(shim)).toMatchObject({ code: 0 });
      const lines = Array.from({ length: 20000 }, (_, i) => `line ${i}\n`);
      expect(records(shim).map((record) => record.log)).toEqual([
        ...lines,
        "from the engine\n",
        "from the next one\n",
      ]);
    });
  }
});
