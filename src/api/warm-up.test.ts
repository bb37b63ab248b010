import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Containers, Engine, Rehearsal } from "../engine/mod.ts";
import { failure } from "../errors/mod.ts";
import { fakeEngine, listLog } from "./fake-engine.ts";
import { warmUp } from "./warm-up.ts";

const id = "c0ffee".padEnd(64, "0");

/** An engine with a stage that writes down what is done on it. */
function practising(early: (made: number) => boolean, start: () => Promise<boolean> = async () => true) {
  const done: string[] = [];
  const made = (): number => done.filter((what) => what === "create").length;
  const containers: Partial<Containers> = {
    create: async ({ body }) => {
      done.push("create");
      expect(body.Image).toBe("warm-up");
      return { Id: id, Warnings: [] };
    },
    start: async (name) => {
      expect(name).toBe(id);
      done.push("start");
      return start();
    },
    attach: async () => {
      done.push("attach");
      return { tty: false, stream: new PassThrough() };
    },
    wait: (_name, condition) => {
      done.push(`wait ${condition}`);
      return { done: Promise.resolve({ StatusCode: 0 }) };
    },
    remove: async () => void done.push("remove"),
  };
  const stage: Rehearsal = {
    containers: fakeEngine({ containers }).containers,
    early: () => early(made()),
    close: () => void done.push("close"),
  };
  const engine: Engine = { ...fakeEngine({}), rehearsal: () => stage };
  return { engine, done };
}

const execRoot = mkdtempSync(join(tmpdir(), "caisson-practice-"));
afterAll(() => rmSync(execRoot, { recursive: true }));
afterEach(() => expect(readdirSync(execRoot)).toEqual([]));
const calm = { busy: () => false, ending: new AbortController().signal, execRoot };

test("containers for practice come and go by the API's own ways, until real ones come", async () => {
  const { engine, done } = practising((made) => made < 3);
  const log = listLog();
  await warmUp(engine, { ...calm, log });
  const steps = ["create", "start", "wait not-running", "remove"];
  const run = ["create", "attach", "wait removed", "start"];
  expect(done).toEqual([...steps, ...run, ...steps, "close"]);
  expect(log.lines).toEqual([]);
});

test("else it comes to its end", async () => {
  const { engine, done } = practising(() => true);
  await warmUp(engine, { ...calm, log: listLog() }, 5);
  expect(done.filter((what) => what === "create").length).toBe(5);
  expect(done.at(-1)).toBe("close");
});

test("nothing is practised while somebody wants something, nor in a daemon that ends", async () => {
  const { engine, done } = practising(() => true);
  const ending = new AbortController();
  let asked = 0;
  const busy = (): boolean => {
    if (++asked === 3) ending.abort();
    return true;
  };
  await warmUp(engine, { busy, ending: ending.signal, execRoot, log: listLog() });
  expect(done).toEqual(["close"]);
  expect(asked).toBe(3);
});

test("what goes wrong is said to who debugs, and ends it", async () => {
  const { engine, done } = practising(
    () => true,
    () => Promise.reject(failure("internal", { message: "no stage hands" })),
  );
  const log = listLog();
  await warmUp(engine, { ...calm, log });
  expect(done).toEqual(["create", "start", "close"]);
  expect(log.lines.at(-1)).toContain("no stage hands");
});

test("an engine without a stage practises nothing", async () => {
  await warmUp(fakeEngine({}), { ...calm, log: listLog() });
});
