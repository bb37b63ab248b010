/**
 * The executable is replaced below a running engine and started anew: what the old one has made goes on, and the new one
 * manages it; so it is when the old one comes back for a while. CAISSON_OLD_BUILD names real older builds beside which this
 * is done, too.
 * @module
 */
import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually, execute, inspect, must, pidOf, run, start } from "../support/containers.ts";
import { caisson, TestEngine } from "../support/engine.ts";
import { resolversOf } from "../support/host-network.ts";
import { processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { LogClient, PortClient, startNameClient } from "./lasting-clients.ts";

/** What is different in the older executable: texts of the same length, in its own code and in the native program. */
const changes = [
  ["28.5.2", "28.5.1"],
  ["not for use by hand", "not for use by HAND"],
] as const;

const otherTexts = "today's with other texts";
const { CAISSON_OLD_BUILD: oldBuilds = "" } = process.env;
/** Executables: today's with other texts, and those of older builds that CAISSON_OLD_BUILD names (`PATH:PATH…`). */
const older: readonly (readonly [what: string, read: () => Buffer])[] = [
  [otherTexts, changedExecutable],
  ...oldBuilds
    .split(":")
    .filter(Boolean)
    .map((path) => [path, () => readFileSync(path)] as const),
];

function changedExecutable(): Buffer {
  const bytes = readFileSync(caisson);
  for (const [now, then] of changes) {
    let found = 0;
    for (let at = bytes.indexOf(now); at !== -1; at = bytes.indexOf(now, at + 1)) {
      bytes.write(then, at, "latin1");
      found++;
    }
    expect([now, found > 0]).toEqual([now, true]);
  }
  return bytes;
}

/** Puts an executable in the place of the one that is there, as a package does. */
function replaceExecutable(engine: TestEngine, bytes: Buffer): void {
  writeFileSync(`${engine.executable}.new`, bytes);
  chmodSync(`${engine.executable}.new`, 0o755);
  renameSync(`${engine.executable}.new`, engine.executable);
}

/** An engine that is run from `bytes`. */
async function startFrom(bytes: Buffer): Promise<TestEngine> {
  const engine = await TestEngine.startPrepared((fresh) => {
    fresh.executable = join(fresh.directory, "bin", "caisson");
    mkdirSync(dirname(fresh.executable));
    replaceExecutable(fresh, bytes);
  });
  await importBusybox(engine);
  must(engine, ["network", "create", "theirs"]);
  return engine;
}

/** A digest of the native program that the engine has laid down. */
const native = ({ execRoot }: TestEngine): string =>
  Bun.SHA256.hash(readFileSync(join(execRoot, "caisson-native")), "hex");

/** Whether the engine runs from the file that has its executable's name now. */
const isNew = ({ pid, executable }: TestEngine): boolean =>
  statSync(`/proc/${pid}/exe`).ino === statSync(executable).ino;

/** The first line that somebody who attaches reads. */
async function attachedLine(engine: TestEngine, container: string): Promise<string> {
  const client = spawn(caisson, ["attach", "--no-stdin", "--sig-proxy=false", container], {
    env: { ...process.env, DOCKER_HOST: engine.host },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  client.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    if (text.includes("\n")) resolve(text.split("\n")[0] ?? "");
  });
  client.once("exit", () => resolve(`the client ended with ${JSON.stringify(text)}`));
  return promise.finally(() => client.kill("SIGKILL"));
}

/** The older engine takes over again, or says that it can't; under today's, which comes next, everything is as it was. */
async function thereAndBack(
  engine: TestEngine,
  then: Buffer,
  expectGoingOn: () => Promise<void>,
): Promise<void> {
  const todays = native(engine);
  await engine.kill();
  replaceExecutable(engine, then);
  const refused = await engine.resume().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  if (refused === undefined) await expectGoingOn();
  else expect(refused).toContain("it was written by a newer caisson");
  await engine.kill();
  replaceExecutable(engine, readFileSync(caisson));
  await engine.resume();
  expect(native(engine)).toBe(todays);
  await expectGoingOn();
}

const count = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done";

test.each(older)(
  "containers of an older engine go on under today's: %s",
  async (what, read) => {
    const then = read();
    await using engine = await startFrom(then);
    const oldNative = native(engine);
    const web = start(
      engine,
      ["--network=theirs", "--name=web", "-p", "80", "--health-cmd=test -e /bin", "--health-interval=200ms"],
      ["sh", "-c", "trap 'exit 6' TERM; httpd -p 80 -h /bin; while :; do sleep 0.1; done"],
    );
    const writer = start(engine, ["--restart=unless-stopped"], ["sh", "-c", count]);
    const again = start(engine, ["--restart=always"], ["sh", "-c", "sleep 0.2; exit 4"]);
    const asker = startNameClient(engine, "theirs", "web");
    const { Id: exec } = (
      await engine.request("POST", `/containers/${writer}/exec`, {
        Cmd: ["sh", "-c", "until [ -e /end ]; do sleep 0.05; done; exit 5"],
      })
    ).json<{ Id: string }>();
    expect((await engine.request("POST", `/exec/${exec}/start`, { Detach: true })).status).toBe(200);
    const port = must(engine, ["port", web]).split("\n")[0]?.split(":").at(-1) ?? "";
    using clients = new DisposableStack();
    const asking = clients.use(new PortClient(engine, port, "asking"));
    const following = clients.use(new LogClient(engine, writer));
    await eventually("answers", () => asking.answers > 5 && following.lines.length > 5);

    const running = [web, writer, asker];
    const pids = await Promise.all(running.map((id) => pidOf(engine, id)));
    /** Its shim, its relay, its proxies. */
    const companions = (): number[] => [...processesNaming(web), ...processesNaming(`-host-port\0${port}\0`)];
    const [resolver] = resolversOf(engine);
    replaceExecutable(engine, readFileSync(caisson));
    // The old one goes on as it was, with what it loads only now.
    expect(run(engine, ["--network=theirs"], ["nslookup", "web."]).code).toBe(0);
    expect(execute(engine, web, "echo here")).toBe("here");
    expect([isNew(engine), native(engine)]).toEqual([false, oldNative]);
    const before = companions();
    expect(before.length).toBeGreaterThan(2);
    /** Nothing was started anew, and nobody was cut off for good. */
    const expectGoingOn = async (): Promise<void> => {
      expect(await Promise.all(running.map((id) => pidOf(engine, id)))).toEqual(pids);
      expect(companions()).toEqual(before);
      const { length } = following.lines;
      const { answers } = asking;
      const more = (): boolean => asking.answers > answers + 5 && following.lines.length > length;
      await eventually("more answers", more, 30);
    };
    await engine.kill();
    await engine.resume();

    expect(isNew(engine)).toBe(true);
    if (what === otherTexts) expect(native(engine)).not.toBe(oldNative);
    await expectGoingOn();
    await eventually("a resolver of the new one", () => {
      const now = resolversOf(engine);
      return now.length === 1 && now[0] !== resolver;
    });
    // All that can be done with a container.
    expect(execute(engine, web, "echo here")).toBe("here");
    expect(Number(await attachedLine(engine, writer))).toBeGreaterThan(0);
    const restarts = (await inspect(engine, again)).RestartCount;
    await eventually("another restart", async () => (await inspect(engine, again)).RestartCount > restarts);
    execute(engine, writer, "touch /end");
    const endOf = async (): Promise<unknown> =>
      (await engine.request("GET", `/exec/${exec}/json`)).json<{ ExitCode: number | null }>().ExitCode;
    await eventually("the exec's end", async () => (await endOf()) !== null);
    expect(await endOf()).toBe(5);
    await thereAndBack(engine, then, expectGoingOn);
    expect(await endOf()).toBe(5);
    for (const action of ["pause", "unpause"])
      expect((await engine.request("POST", `/containers/${writer}/${action}`)).status).toBe(204);
    await following.expectWhole();
    asking.expectAnswered();
    expect(run(engine, ["--network=theirs"], ["nslookup", "web."]).code).toBe(0);
    const health = ["inspect", "-f", "{{.State.Health.Status}}", web];
    await eventually("its health", () => must(engine, health) === "healthy");
    const answersOfNames = must(engine, ["logs", asker]).split("\n");
    expect(answersOfNames.filter((line) => line !== "found")).toEqual([]);
    must(engine, ["stop", web]);
    expect((await inspect(engine, web)).State.ExitCode).toBe(6);
    must(engine, ["rm", "-f", web, writer, again, asker]);
    await eventually("no process", () => running.every((id) => processesNaming(id).length === 0));
  },
  240_000 * patience,
);
