import { expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { daemonDefaults, type DaemonOptions } from "../engine/daemon-options.ts";
import { runDaemon, type DaemonSetup } from "./daemon-run.ts";
import { fakeEngine, listLog, refusal } from "./fake-engine.ts";

function optionsIn(directory: string, more: Partial<DaemonOptions> = {}): DaemonOptions {
  return {
    ...daemonDefaults,
    hosts: [`unix://${directory}/a.sock`, `unix://${directory}/b.sock`],
    dataRoot: directory,
    execRoot: directory,
    pidfile: join(directory, "pid"),
    cgroupDriver: "cgroupfs",
    shutdownTimeout: 1,
    ...more,
  };
}

function setupIn(directory: string, more: Partial<DaemonOptions> = {}): DaemonSetup {
  const options = optionsIn(directory, more);
  return { options, reread: () => options };
}

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "daemon-"));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(2);
}

test("a daemon listens, survives SIGHUP and defects, and leaves nothing behind at SIGTERM", () =>
  inDirectory(async (directory) => {
    const log = listLog();
    let closed = 0;
    const engine = fakeEngine({ close: async () => void closed++ } as never);
    const running = runDaemon(setupIn(directory), async () => engine, log);
    await until(() => log.lines.length === 3);
    expect((await readdir(directory)).sort()).toEqual(["a.sock", "b.sock", "pid"]);
    expect(await readFile(join(directory, "pid"), "utf8")).toBe(`${process.pid}\n`);
    process.emit("SIGHUP");
    process.emit("uncaughtException", new TypeError("oops"));
    expect(log.lines.slice(3)).toEqual(["level info", "info Reloaded configuration", "error uncaught error"]);
    process.emit("SIGTERM");
    await running;
    expect([await readdir(directory), closed, process.listenerCount("SIGTERM")]).toEqual([[], 1, 0]);
  }));

test("an idle daemon leaves by itself, but not while the engine has work", () =>
  inDirectory(async (directory) => {
    let idle = false;
    const engine = fakeEngine({ idle: () => idle } as never);
    const running = runDaemon(setupIn(directory, { idleExitSeconds: 0.1 }), async () => engine, listLog());
    expect(await Promise.race([running.then(() => "left"), Bun.sleep(400).then(() => "stays")])).toBe(
      "stays",
    );
    idle = true;
    await running;
  }));

test("a second daemon is refused while the first lives; a dead one's file doesn't matter", () =>
  inDirectory(async (directory) => {
    const pidfile = join(directory, "pid");
    await writeFile(pidfile, `${process.ppid}\n`);
    const open = async (): Promise<never> => {
      throw new TypeError("opened");
    };
    expect(await refusal(runDaemon(setupIn(directory), open, listLog()))).toContain(
      `process with PID ${process.ppid} is still running: it holds ${pidfile}`,
    );
    expect(await readFile(pidfile, "utf8")).toBe(`${process.ppid}\n`);
    await writeFile(pidfile, "4194999\n");
    expect(await refusal(runDaemon(setupIn(directory), open, listLog()))).toContain("opened");
    expect(await readdir(directory)).toEqual([]);
  }));

test("SIGHUP makes changed options count, and wrong ones change nothing", () =>
  inDirectory(async (directory) => {
    const log = listLog();
    const before = optionsIn(directory);
    let next: DaemonOptions | undefined = { ...before, debug: true, userns: "host" };
    const told: DaemonOptions[] = [];
    const engine = fakeEngine({
      reload: (options: DaemonOptions) => {
        told.push(options);
        return ["userns"];
      },
    } as never);
    const reread = (): DaemonOptions => {
      if (next === undefined) throw new TypeError("no such key");
      return next;
    };
    const running = runDaemon({ options: before, reread }, async () => engine, log);
    await until(() => log.lines.length === 3);
    process.emit("SIGHUP");
    expect(told).toEqual([next]);
    expect(log.lines.slice(3)).toEqual([
      "level debug",
      "info Reloaded configuration",
      "warn these changes count after a restart",
    ]);
    next = undefined;
    process.emit("SIGHUP");
    expect([told.length, log.lines.at(-1)]).toEqual([1, "error reload the configuration: no such key"]);
    process.emit("SIGTERM");
    await running;
  }));
