import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refusal } from "./fake-engine.ts";
import { Inflow } from "./inflow.ts";

let folder: string;
let server: Server;
let client: Socket;
let socket: Socket;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "caisson-inflow-"));
  const path = join(folder, "s");
  const accepted = Promise.withResolvers<Socket>();
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accepted.resolve);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  client = connect(path);
  socket = await accepted.promise;
});
afterEach(() => {
  client.destroy();
  socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

test("what was read too far comes first; then exactly as much as is asked for", async () => {
  const inflow = new Inflow(socket, Buffer.from("ab"));
  client.write("cdef");
  expect((await inflow.take(3)).toString()).toBe("abc");
  expect((await inflow.take(0)).toString()).toBe("");
  expect((await inflow.take(3)).toString()).toBe("def");
});

test("lines, without their ends, and no longer than allowed", async () => {
  const inflow = new Inflow(socket, Buffer.from("5;x\r\nhel"));
  expect(await inflow.takeLine(10)).toBe("5;x");
  client.write("lo\nrest");
  expect(await inflow.takeLine(10)).toBe("hello");
  client.write("x".repeat(20));
  expect(await refusal(inflow.takeLine(10))).toBe("invalid JSON: unexpected EOF");
});

test("a client that ends too early is told so", async () => {
  const inflow = new Inflow(socket, Buffer.from("ab"));
  client.end("c");
  expect(await refusal(inflow.take(5))).toBe("invalid JSON: unexpected EOF");
  expect((await inflow.take(2)).toString()).toBe("ab");
});

test("all that follows goes to whoever takes over, pieces that wait first", async () => {
  const inflow = new Inflow(socket, Buffer.from("\r\nin"));
  inflow.drop("\n");
  inflow.drop("\r\n");
  let heard = "";
  const ended = new Promise<void>((resolve) =>
    inflow.start((chunk) => (heard += Buffer.from(chunk).toString()), resolve),
  );
  socket.resume();
  client.end("put");
  await ended;
  expect(heard).toBe("input");
});
