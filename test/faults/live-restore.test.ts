/**
 * Containers go on without their engine: healthchecks, restart policies, logs and those who follow them, execs, published
 * ports and names across ten restarts of it, by SIGKILL and by SIGTERM in turn.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { caisson, TestEngine } from "../support/engine.ts";
import { eventually, execute, inspect, must, pidOf, start } from "../support/containers.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { LogClient, PortClient, startNameClient } from "./lasting-clients.ts";

const rounds = 10;

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

interface Health {
  readonly Status: string;
  readonly Log: readonly { readonly End: string }[];
}

async function healthOf(id: string): Promise<Health> {
  return ((await inspect(engine, id)).State as unknown as { readonly Health: Health }).Health;
}

interface ExecState {
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly Pid: number;
}

const execState = async (id: string): Promise<ExecState> =>
  (await engine.request("GET", `/exec/${id}/json`)).json<ExecState>();

/** Follows a container's log until there are `count` new lines, which it answers. */
function follow(id: string, count: number): Promise<string[]> {
  const client = spawn(caisson, ["logs", "-f", "--tail=0", id], {
    env: { ...process.env, DOCKER_HOST: engine.host },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  let text = "";
  client.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    const lines = text.split("\n").slice(0, -1);
    if (lines.length >= count) resolve(lines);
  });
  client.on("exit", () => reject(new Error(`the follower ended with ${JSON.stringify(text)}`)));
  return promise.finally(() => client.kill("SIGKILL"));
}

/** Every number is one more than the one before. */
function expectNoGaps(numbers: readonly number[]): void {
  const [first = 0] = numbers;
  expect(numbers).toEqual(numbers.map((_, index) => first + index));
}

test(
  "ten restarts of the engine",
  async () => {
    const probed = start(engine, [
      "--health-cmd=test -e /ok || exit 7",
      "--health-interval=100ms",
      "--health-retries=1",
    ]);
    const writer = start(engine, [], ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done"]);
    const loop = start(engine, ["--restart=always"], ["sh", "-c", "sleep 0.3; exit 4"]);
    const steady = start(engine, ["--restart=unless-stopped", "--init"]);
    const body = { Cmd: ["sh", "-c", "until [ -e /end ]; do sleep 0.05; done; exit 5"] };
    const { Id: exec } = (await engine.request("POST", `/containers/${steady}/exec`, body)).json<{
      Id: string;
    }>();
    expect((await engine.request("POST", `/exec/${exec}/start`, { Detach: true })).status).toBe(200);
    must(engine, ["network", "create", "theirs"]);
    const web = start(
      engine,
      ["--network=theirs", "--name=web", "-p", "80"],
      ["httpd", "-f", "-p", "80", "-h", "/bin"],
    );
    const port = must(engine, ["port", web]).split("\n")[0]?.split(":").at(-1) ?? "";
    const asker = startNameClient(engine, "theirs", "web");
    using clients = new DisposableStack();
    const asking = clients.use(new PortClient(engine, port, "asking"));
    const following = clients.use(new LogClient(engine, writer));

    const running = [probed, writer, steady, web, asker];
    const pids = await Promise.all(running.map((id) => pidOf(engine, id)));
    const execPid = (await execState(exec)).Pid;
    let restarts = 0;
    for (let round = 0; round < rounds; round++) {
      const wanted = round % 2 === 0 ? "unhealthy" : "healthy";
      execute(engine, probed, wanted === "healthy" ? "touch /ok" : "rm -f /ok");
      await eventually(`it is ${wanted}`, async () => (await healthOf(probed)).Status === wanted);
      const before = (await healthOf(probed)).Log.at(-1)?.End ?? "";
      await (round % 3 === 0 ? engine.stop() : engine.kill());
      await engine.resume();
      // As it was, and then on.
      expect((await healthOf(probed)).Status).toBe(wanted);
      await eventually(
        "another probe",
        async () => ((await healthOf(probed)).Log.at(-1)?.End ?? "") > before,
      );
      expect((await healthOf(probed)).Status).toBe(wanted);
      expect(await Promise.all(running.map((id) => pidOf(engine, id)))).toEqual(pids);
      expect(await execState(exec)).toMatchObject({ Running: true, Pid: execPid });
      expectNoGaps((await follow(writer, 5)).map(Number));
      const { answers } = asking;
      await eventually("more answers", () => asking.answers > answers, 30);
      await eventually("another restart", async () => (await inspect(engine, loop)).RestartCount > restarts);
      restarts = (await inspect(engine, loop)).RestartCount;
    }

    expect(restarts).toBeGreaterThanOrEqual(rounds);
    expectNoGaps(must(engine, ["logs", writer]).split("\n").map(Number));
    await following.expectWhole();
    expect(following.connections).toBeGreaterThan(rounds);
    asking.expectAnswered();
    const found = must(engine, ["logs", asker]).split("\n");
    expect(found.length).toBeGreaterThan(rounds);
    expect(found.filter((line) => line !== "found")).toEqual([]);
    execute(engine, steady, "touch /end");
    await eventually("the exec's end", async () => !(await execState(exec)).Running);
    expect((await execState(exec)).ExitCode).toBe(5);
    must(engine, ["stop", "-t", "0", loop]);
    must(engine, ["stop", steady]);
    expect((await inspect(engine, steady)).State.ExitCode).toBe(143);
    await engine.kill();
    await engine.resume();
    expect((await inspect(engine, steady)).State.Status).toBe("exited");
    await eventually("that always means always", async () => (await inspect(engine, loop)).State.Running);
  },
  120_000 * patience,
);
