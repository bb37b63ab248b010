/**
 * A disk without room: what can't be done says so and leaves nothing behind, what runs goes on, what is to be removed can
 * be, and when there is room again everything is as before, without a restart.
 * @module
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { busyboxArchive, importBusybox } from "../support/image.ts";
import { command, eventually, execute, inspect, must, removeAll, run, start } from "../support/containers.ts";
import type { Answer, TestEngine } from "../support/engine.ts";
import { patience } from "../support/patience.ts";
import { engineOn, filesIn, fill, kinds, noSpace, type Filled } from "./small-disk.ts";

let engine: TestEngine;

const ask = async (method: string, path: string, body?: object | Uint8Array): Promise<[number, string]> => {
  const answer: Answer = await engine.request(method, path, body);
  return [answer.status, answer.body.toString("utf8")];
};

const bodyOf = (host: object = {}): object => ({
  Image: "busybox",
  Cmd: ["true"],
  HostConfig: { NetworkMode: "none", ...host },
});

describe.each(kinds)("a data root without %s", (kind, options) => {
  let room: Filled;
  let runner: string;
  beforeAll(async () => void (engine = await engineOn("dataRoot", options)), 60_000 * patience);
  afterAll(() => engine[Symbol.asyncDispose]());
  beforeEach(async () => {
    await importBusybox(engine, "gone");
    runner = start(engine, ["--name=runner"], ["sh", "-c", "while :; do echo tick; sleep 0.2; done"]);
    must(engine, ["create", "--name=other", "--net=none", "busybox", "true"]);
  });
  afterEach(async () => {
    room.release();
    await removeAll(engine);
    for (const { Name } of (await engine.request("GET", "/volumes")).json<{ Volumes: { Name: string }[] }>()
      .Volumes)
      await engine.request("DELETE", `/volumes/${Name}?force=1`);
  });

  test(
    "what needs room says that there is none, and leaves nothing",
    async () => {
      const parts = ["containers", "overlay2/containers", "overlay2/layers", "images/ingest", "volumes"];
      const files = (): string[] => parts.flatMap((part) => filesIn(engine, join(engine.dataRoot, part), 2));
      // Deleted, or written soon, in the background.
      await eventually("its log", () => must(engine, ["logs", "runner"]).includes("tick") || undefined);
      room = fill(engine, kind, engine.dataRoot);
      const before = files();
      const archive = busyboxArchive();
      const refused = async (method: string, path: string, body?: object | Uint8Array): Promise<void> => {
        room.again();
        const [status, text] = await ask(method, path, body);
        expect([method, path, status, text]).toEqual([method, path, 500, expect.stringContaining(noSpace)]);
        expect(text).toContain(`${engine.dataRoot} has no ${kind} left`);
      };
      await refused("POST", "/containers/create?name=one", bodyOf());
      await refused("POST", "/containers/create?name=two", bodyOf({ Binds: ["fresh:/v"] }));
      await refused("POST", "/containers/create", bodyOf({ Binds: ["/v"] }));
      await refused("POST", "/commit?container=runner&repo=snap");
      await refused("POST", "/images/create?fromSrc=-&repo=imported", archive);
      await refused("POST", "/images/load", archive);
      if (kind === "inodes") await refused("POST", "/volumes/create", { Name: "fresh" });
      if (kind === "space") {
        const copied = command(engine, ["cp", "/bin/busybox", "runner:/copied"]);
        expect([copied.code, copied.stderr]).toEqual([1, expect.stringContaining(noSpace)]);
      }
      expect((await inspect(engine, runner)).State.Running).toBe(true);
      expect(execute(engine, runner, "echo alive")).toBe("alive");
      room.release();
      await eventually("nothing more than before", () => {
        const now = files();
        return now.every((path) => before.includes(path)) || undefined;
      });
      const names = (await engine.request("GET", "/containers/json?all=1")).json<{ Names: string[] }[]>();
      expect(names.flatMap(({ Names }) => Names).toSorted()).toEqual(["/other", "/runner"]);
      // Everything works again.
      expect(run(engine, ["-v", "fresh:/v"], ["echo", "hello"]).stdout).toBe("hello\n");
      expect((await ask("POST", "/images/create?fromSrc=-&repo=imported", archive))[0]).toBe(200);
      expect((await ask("POST", "/commit?container=runner&repo=snap"))[0]).toBe(201);
      const lines = (): number => must(engine, ["logs", "runner"]).split("\n").length;
      const then = lines();
      await eventually("its log goes on", () => lines() > then || undefined, 30);
      expect(engine.log()).not.toContain("uncaught");
    },
    120_000 * patience,
  );

  test(
    "what is to go goes, and what ends is remembered",
    async () => {
      const bulk = Array.from({ length: 30 }, (_, n) =>
        must(engine, ["create", `--name=bulk${n}`, "busybox"]),
      );
      // The database and the image store take what they need in time of need as soon as they have a moment.
      const sizes = (): string[] =>
        engine
          .runInside("stat", [
            "-c",
            "%s",
            join(engine.dataRoot, "images/spare"),
            join(engine.dataRoot, "caisson.db"),
          ])
          .stdout.split("\n");
      await eventually("the reserves", () => {
        const [spare, database] = sizes();
        return Number(spare) > 0 && Number(database) > 1 << 20;
      });
      room = fill(engine, kind, engine.dataRoot);
      for (const id of bulk) {
        room.again();
        expect(await ask("DELETE", `/containers/${id}`)).toEqual([204, ""]);
      }
      room.again();
      expect(await ask("DELETE", "/images/gone")).toEqual([200, expect.stringContaining("Untagged")]);
      expect((await ask("POST", "/containers/runner/stop?t=0"))[0]).toBe(204);
      expect((await ask("POST", "/containers/runner/wait"))[1]).toContain('"StatusCode":137');
      room.again();
      await engine.kill();
      await engine.resume();
      const { State } = await inspect(engine, runner);
      expect([State.Status, State.ExitCode]).toEqual(["exited", 137]);
      expect((await ask("DELETE", "/containers/runner"))[0]).toBe(204);
      const left = (await engine.request("GET", "/containers/json?all=1")).json<{ Names: string[] }[]>();
      expect(left.flatMap(({ Names }) => Names)).toEqual(["/other"]);
    },
    120_000 * patience,
  );
});

describe("an exec root without space", () => {
  let room: Filled;
  beforeAll(async () => void (engine = await engineOn("execRoot", "size=24m")), 60_000 * patience);
  afterAll(() => engine[Symbol.asyncDispose]());
  afterEach(async () => {
    room.release();
    await removeAll(engine);
  });

  test(
    "starts and execs are refused, an end is remembered",
    async () => {
      const runner = start(engine, ["--name=runner"]);
      must(engine, ["create", "--name=other", "--net=none", "busybox", "true"]);
      room = fill(engine, "space", engine.execRoot);
      expect(await ask("POST", "/containers/other/start")).toEqual([500, expect.stringContaining(noSpace)]);
      const exec = command(engine, ["exec", "runner", "true"]);
      expect([exec.code, exec.stdout + exec.stderr]).toEqual([128, expect.stringContaining(noSpace)]);
      expect((await inspect(engine, runner)).State.Running).toBe(true);
      expect((await ask("POST", "/containers/runner/stop?t=0"))[0]).toBe(204);
      expect((await inspect(engine, runner)).State.ExitCode).toBe(137);
      room.release();
      expect((await ask("POST", "/containers/other/start"))[0]).toBe(204);
      expect(run(engine, [], ["echo", "hello"]).stdout).toBe("hello\n");
    },
    60_000 * patience,
  );
});
