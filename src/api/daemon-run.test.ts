import { expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { networkDefaults, type DaemonOptions } from "../engine/daemon-options.ts";
import { runDaemon } from "./daemon-run.ts";
import { fakeEngine, listLog, refusal } from "./fake-engine.ts";

function optionsIn(directory: string, more: Partial<DaemonOptions> = {}): DaemonOptions {
  return {
    hosts: [`unix://${directory}/a.sock`, `unix://${directory}/b.sock`],
    dataRoot: directory,
    execRoot: directory,
    pidfile: join(directory, "pid"),
    debug: false,
    logLevel: "info",
    userns: "auto",
    cgroupDriver: "cgroupfs",
    defaultUlimits: [],
    insecureRegistries: [],
    registryMirrors: [],
    logDriver: "json-file",
    logOpts: {},
    labels: [],
    network: networkDefaults,
    shutdownTimeout: 1,
    ...more,
  };
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
    const running = runDaemon(optionsIn(directory), async () => engine, log);
    await until(() => log.lines.length === 3);
    expect((await readdir(directory)).sort()).toEqual(["a.sock", "b.sock", "pid"]);
    expect(await readFile(join(directory, "pid"), "utf8")).toBe(`${process.pid}\n`);
    process.emit("SIGHUP");
    process.emit("uncaughtException", new TypeError("oops"));
    expect(log.lines.slice(3)).toEqual([
      "info got SIGHUP: there is nothing to reload",
      "error uncaught error",
    ]);
    process.emit("SIGTERM");
    await running;
    expect([await readdir(directory), closed, process.listenerCount("SIGTERM")]).toEqual([[], 1, 0]);
  }));

test("an idle daemon leaves by itself, but not while the engine has work", () =>
  inDirectory(async (directory) => {
    let idle = false;
    const engine = fakeEngine({ idle: () => idle } as never);
    const running = runDaemon(optionsIn(directory, { idleExitSeconds: 0.1 }), async () => engine, listLog());
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
    expect(await refusal(runDaemon(optionsIn(directory), open, listLog()))).toContain(
      `process with PID ${process.ppid} is still running: it holds ${pidfile}`,
    );
    expect(await readFile(pidfile, "utf8")).toBe(`${process.ppid}\n`);
    await writeFile(pidfile, "4194999\n");
    expect(await refusal(runDaemon(optionsIn(directory), open, listLog()))).toContain("opened");
    expect(await readdir(directory)).toEqual([]);
  }));
