import { expect, test } from "bun:test";
import { createServer, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeferredStream } from "./deferred-stream.ts";

async function pair(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const path = join(tmpdir(), `caisson-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, resolve).listen(path);
  const near = connect({ path, allowHalfOpen: true } as { path: string });
  return { near, far: await promise, close: () => server.close() };
}

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let result = "";
  for await (const chunk of stream) result += String(chunk);
  return result;
}

test("what was written before waits for the process, with the end after it", async () => {
  const { near, far, close } = await pair();
  const stream = new DeferredStream();
  stream.write("one ");
  stream.end("two");
  stream.resume();
  await Bun.sleep(5);
  stream.join(near);
  expect(await text(far)).toBe("one two");
  far.end();
  close();
});

test("what the process says is read to its end", async () => {
  const { near, far, close } = await pair();
  const stream = new DeferredStream();
  stream.join(near);
  far.end("hello");
  expect(await text(stream)).toBe("hello");
  stream.destroy();
  close();
});

test("a process that never starts ends it", async () => {
  const stream = new DeferredStream();
  stream.write("lost");
  stream.abandon();
  expect(await text(stream)).toBe("");
});

test("a client that left closes the shim's connection", async () => {
  const { near, far, close } = await pair();
  const stream = new DeferredStream();
  stream.destroy();
  stream.join(near);
  expect(await text(far)).toBe("");
  close();
});
