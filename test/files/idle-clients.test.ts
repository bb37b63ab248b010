/**
 * Clients that stop in the middle of an archive, in either direction: the container can be started nevertheless.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { tarOf } from "../support/archive.ts";
import { eventually, execute, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterEach(() => removeAll(engine));
afterAll(async () => engine[Symbol.asyncDispose]());

/** More than fits into all buffers on the way. */
const big = randomBytes(32 << 20);
const put = async (id: string): Promise<void> => {
  const archive = await tarOf([{ type: "file", path: "big", mode: 0o644, size: big.length, body: big }]);
  expect((await engine.request("PUT", `/containers/${id}/archive?path=/tmp`, archive)).status).toBe(200);
};
const ask = (method: string, path: string): ClientRequest =>
  request({ socketPath: engine.socket, method, path, agent: false });
const answerOf = async (asked: ClientRequest): Promise<IncomingMessage> => {
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return answer;
};
const flags = ["-v", "files:/v", "--tmpfs=/t"];

test.each([
  ["created", () => must(engine, ["create", "--net=none", ...flags, "busybox", "sleep", "1000"])],
  [
    "stopped",
    () => {
      const id = start(engine, flags);
      must(engine, ["kill", id]);
      return id;
    },
  ],
])("a %s container is started while nobody reads what was asked of it", async (_, make) => {
  const id = make();
  await put(id);
  const paths = [`/containers/${id}/archive?path=/tmp/big`, `/containers/${id}/archive?path=/`];
  const answers = await Promise.all(
    [...paths, `/containers/${id}/export`].map((path) => answerOf(ask("GET", path).end())),
  );
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
  expect((await engine.request("POST", `/containers/${id}/start`)).status).toBe(204);
  execute(engine, id, "echo new >/tmp/new; echo of volume >/v/new");
  // Who reads on has it whole.
  for (const answer of answers) {
    const archive = Buffer.concat(await Array.fromAsync<Buffer>(answer));
    expect(archive.indexOf(big)).toBeGreaterThan(0);
    expect(archive.subarray(-1024).every((byte) => byte === 0)).toBe(true);
  }
  expect(execute(engine, id, "cat /tmp/new /v/new")).toBe("new\nof volume");
});

test("a container is started while somebody has stopped sending what was to be put into it", async () => {
  const id = must(engine, ["create", "--net=none", ...flags, "busybox", "sleep", "1000"]);
  await put(id);
  const sending = ask("PUT", `/containers/${id}/archive?path=/tmp`);
  const answer = answerOf(sending);
  const archive = await tarOf([{ type: "file", path: "half", size: big.length, body: big }]);
  await new Promise((resolve) => sending.write(archive.subarray(0, archive.length / 2), resolve));
  const written = join(engine.dataRoot, "overlay2/containers", id, "diff/tmp/half");
  await eventually("what was sent", () => existsSync(written));
  expect((await engine.request("POST", `/containers/${id}/start`)).status).toBe(204);
  const refused = await answer;
  expect(refused.statusCode).toBe(409);
  expect(Buffer.concat(await Array.fromAsync<Buffer>(refused)).toString()).toContain(
    "is being started, and nothing more of the archive has come",
  );
  sending.destroy();
  expect(execute(engine, id, "stat -c %s /tmp/big")).toBe(String(big.length));
});
