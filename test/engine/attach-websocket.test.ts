/**
 * Attaching by WebSocket, with a client that isn't ours.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { createServer, type AddressInfo, type Server } from "node:net";
import { eventually, inspect, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
/** WebSocket clients speak TCP: this leads to the engine's socket. */
let bridge: Server;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  bridge = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: engine.socket, allowHalfOpen: true });
    client.pipe(upstream).pipe(client);
    for (const one of [client, upstream])
      one.on("error", () => {
        client.destroy();
        upstream.destroy();
      });
  });
  await new Promise<void>((resolve) => bridge.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  bridge.close();
  await engine[Symbol.asyncDispose]();
});

interface Attached {
  readonly socket: WebSocket;
  readonly text: () => string;
  readonly closed: Promise<number>;
}

async function attach(name: string, query: string, version = "1.51"): Promise<Attached> {
  const { port } = bridge.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v${version}/containers/${name}/attach/ws?${query}`);
  socket.binaryType = "arraybuffer";
  let text = "";
  socket.addEventListener("message", ({ data }) => {
    text += typeof data === "string" ? `[${data}]` : Buffer.from(data as ArrayBuffer).toString();
  });
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener("close", ({ code }) => resolve(code)),
  );
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("refused")));
  });
  return { socket, text: () => text, closed };
}

const all = "stream=1&stdin=1&stdout=1&stderr=1";

test("both streams come without frames, input goes in, the end of output is the end", async () => {
  start(engine, ["-i", "--name=talk"], ["sh", "-c", "read a; echo out $a; echo err $a >&2; read b; echo $b"]);
  const { socket, text, closed } = await attach("talk", all);
  socket.send("one\n");
  await eventually("an answer", () => text().includes("out one\n") && text().includes("err one\n"));
  socket.send(Buffer.from("two\n"));
  expect(await closed).toBe(1000);
  expect(text()).toEndWith("two\n");
  await removeAll(engine);
});

test("the client's end is the end of input", async () => {
  await engine.request("POST", "/containers/create?name=count", {
    Image: "busybox",
    Cmd: ["sh", "-c", "wc -c >/tmp/n; sleep 1000"],
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: { NetworkMode: "none" },
  });
  must(engine, ["start", "count"]);
  const { socket } = await attach("count", all);
  socket.send("12345");
  socket.close();
  await eventually("counted", () => must(engine, ["exec", "count", "cat", "/tmp/n"]).trim() === "5");
  await removeAll(engine);
});

test("detach keys leave a terminal, and the container runs on", async () => {
  start(engine, ["-it", "--name=term"], ["cat"]);
  const { socket, text, closed } = await attach("term", `${all}&detachKeys=ctrl-a,x`);
  socket.send("hi\n");
  await eventually("an echo", () => text().includes("hi\r\nhi\r\n"));
  socket.send(Uint8Array.of(1));
  socket.send("x");
  expect(await closed).toBe(1000);
  expect((await inspect(engine, "term")).State.Running).toBe(true);
  await removeAll(engine);
});

test("what was logged comes first; old versions get text", async () => {
  start(engine, ["--name=old"], ["sh", "-c", "echo before; sleep 1000"]);
  await eventually("a log", () => must(engine, ["logs", "old"]).includes("before"));
  const { text, socket } = await attach("old", "logs=1&stream=1", "1.27");
  await eventually("the log", () => text() === "[before\n]");
  socket.close();
  await removeAll(engine);
});

test("what isn't a WebSocket, or has no container, is an ordinary answer", async () => {
  start(engine, ["--name=plain"]);
  const plain = await engine.request("GET", `/containers/plain/attach/ws?${all}`);
  expect([plain.status, plain.json<object>()]).toEqual([400, { message: "not websocket protocol" }]);
  expect(await attach("nobody", all).catch(String)).toBe("Error: refused");
  await removeAll(engine);
});
