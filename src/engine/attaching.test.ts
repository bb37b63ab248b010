import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Readable } from "node:stream";
import { messageOf } from "../errors/mod.ts";
import { attachContainer } from "./attaching.ts";
import { FakeServices } from "./fake-services.ts";

let fake: FakeServices;
beforeEach(() => {
  fake = new FakeServices();
});
afterEach(() => fake[Symbol.dispose]());

const all = { stdin: true, stdout: true, stderr: true, stream: true, logs: false };

async function read(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** A shim's socket that says `output` to whoever attaches; resolves to the hello that it got. */
function shim(path: string, output: string): { readonly hello: Promise<Buffer>; readonly close: () => void } {
  const { promise: hello, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.once("data", (bytes: Buffer) => {
      resolve(bytes);
      socket.end(output);
    });
  });
  server.listen(path);
  return { hello, close: () => void server.close() };
}

test("a running container's streams are its shim's; input only if it takes any", async () => {
  const { container } = fake.container({ status: "running" }, { config: { OpenStdin: false, Tty: true } });
  const bundle = fake.services.paths.bundle(container.id);
  mkdirSync(bundle);
  const { hello, close } = shim(`${bundle}/shim.sock`, "output");
  const { tty, stream } = await attachContainer(fake.services, container, { ...all, stderr: false }, "web");
  expect(tty).toBe(true);
  expect(await read(stream)).toBe("output");
  expect([...(await hello).subarray(0, 2)]).toEqual([2, 2]);
  expect(fake.actions).toEqual(["attach"]);
  close();
});

test("what ends at this very moment is an end, not an error", async () => {
  const { container } = fake.container({ status: "running" });
  const { stream } = await attachContainer(fake.services, container, all, "web");
  expect(await read(stream)).toBe("");
});

test("one that doesn't run yet is waited for; who leaves is forgotten", async () => {
  const { container } = fake.container({ status: "created" }, { config: { OpenStdin: true } });
  const { stream } = await attachContainer(fake.services, container, { ...all, stdout: false }, "web");
  expect([...container.pending]).toMatchObject([{ stdin: true, stdout: false, stderr: true }]);
  const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
  stream.destroy();
  await closed;
  expect(container.pending.size).toBe(0);
});

test("what was logged comes first, or alone", async () => {
  const { container } = fake.container({ status: "running" }, { config: { Tty: true } });
  const { paths } = fake.services;
  mkdirSync(paths.container(container.id));
  const line = { log: "before\n", stream: "stdout", time: "2026-01-02T03:04:05Z" };
  writeFileSync(paths.log(container.id), `${JSON.stringify(line)}\n`);
  const past = await attachContainer(fake.services, container, { ...all, stream: false, logs: true }, "web");
  expect(await read(past.stream)).toBe("before\n");
  mkdirSync(paths.bundle(container.id));
  const { close } = shim(`${paths.bundle(container.id)}/shim.sock`, "now\n");
  const both = await attachContainer(fake.services, container, { ...all, logs: true }, "web");
  expect(await read(both.stream)).toBe("before\nnow\n");
  const neither = await attachContainer(fake.services, container, { ...all, stream: false }, "web");
  expect(await read(neither.stream)).toBe("");
  close();
});

test("a paused container is refused", async () => {
  const { container } = fake.container({ status: "paused" });
  expect(await attachContainer(fake.services, container, all, "web").then(() => "", messageOf)).toBe(
    `container web is paused, unpause the container before attach`,
  );
});
