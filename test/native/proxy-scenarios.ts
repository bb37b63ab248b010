/**
 * What proxy.test.ts looks at.
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { perform } from "./namespaced.ts";
import { proxyArguments, startProxy, startRole, type Listener } from "./roles.ts";
import { until } from "./shims.ts";

const HOST = 8000;
const CONTAINER = 9000;
const TCP: Listener = { type: "stream", family: 4, port: HOST };
const UDP: Listener = { type: "datagram", family: 4, port: HOST };

/** A container's server; `serve` has each of its connections. */
async function serve(handle: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, handle);
  server.listen(CONTAINER, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function dial(port = HOST, host = "127.0.0.1"): Socket {
  return connect({ port, host, allowHalfOpen: true });
}

async function everything(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (data: Buffer) => parts.push(data));
  await once(socket, "end");
  return Buffer.concat(parts);
}

const digest = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** 100 MB each way at once, of which each side first only waits, so that both directions are held up. */
async function bothDirections(): Promise<unknown> {
  const [up, down] = [randomBytes(100 << 20), randomBytes(100 << 20)];
  const arrived = Promise.withResolvers<Buffer>();
  await serve((socket) => {
    socket.end(down);
    setTimeout(() => void everything(socket).then(arrived.resolve), 300);
  });
  const proxy = await startProxy(proxyArguments("tcp", HOST, CONTAINER), TCP);
  const before = descriptors(proxy);
  const client = dial();
  client.end(up);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const got = await everything(client);
  const sent = await arrived.promise;
  client.destroy();
  // Two pipes at most stay for the next ones.
  await until("its sockets close", () => descriptors(proxy) <= before + 1 + 2 * 4);
  return { up: digest(sent) === digest(up), down: digest(got) === digest(down) };
}

/** The client closes its direction first, and then the container answers. */
async function halfClose(): Promise<unknown> {
  await serve((socket) => {
    void everything(socket).then((data) => socket.end(`${data.toString()} and back`));
  });
  await startProxy(proxyArguments("tcp", HOST, CONTAINER), TCP);
  const client = dial();
  client.end("there");
  return (await everything(client)).toString();
}

/** 500 connections at once, with little to say. */
async function many(): Promise<unknown> {
  await serve((socket) => socket.pipe(socket));
  const proxy = await startProxy(proxyArguments("tcp", HOST, CONTAINER), TCP);
  const before = descriptors(proxy);
  const clients = Array.from({ length: 500 }, () => dial());
  const echoes = await Promise.all(
    clients.map(async (client, i) => {
      client.write(`client ${i}`);
      const [data] = await once(client, "data");
      return String(data) === `client ${i}`;
    }),
  );
  const during = descriptors(proxy) - before;
  for (const client of clients) client.destroy();
  await until("its sockets close", () => descriptors(proxy) <= before + 1 + 2 * 4);
  return { right: echoes.filter((echo) => echo).length, twoEach: during >= 1000 && during < 1020 };
}

/** With more clients than descriptors it serves them one after the other. */
async function fewDescriptors(): Promise<unknown> {
  await serve((socket) => socket.pipe(socket));
  const proxy = await startProxy(proxyArguments("tcp", HOST, CONTAINER), TCP);
  const { status } = spawnSync("prlimit", ["--pid", `${proxy}`, "--nofile=40:40"]);
  const clients = Array.from({ length: 100 }, () => dial());
  const answers = await Promise.all(
    clients.map(async (client, i) => {
      client.write(`client ${i}`);
      const [data] = await once(client, "data");
      client.destroy();
      return String(data) === `client ${i}`;
    }),
  );
  return { limited: status, right: answers.filter((answer) => answer).length };
}

async function failure(socket: Socket): Promise<string> {
  return await new Promise((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve("closed"));
    socket.on("data", () => resolve("data"));
  });
}

/** Nobody listens in the container; then somebody does. */
async function refused(): Promise<unknown> {
  await startProxy(proxyArguments("tcp", HOST, CONTAINER), TCP);
  const first = await failure(dial());
  await serve((socket) => socket.end("now"));
  return { first, second: (await everything(dial())).toString() };
}

/** The container's side breaks off, then the client's. */
async function vanished(): Promise<unknown> {
  const sides: Socket[] = [];
  await serve((socket) => {
    socket.on("error", () => undefined).on("data", () => undefined);
    sides.push(socket);
  });
  const proxy = await startProxy(proxyArguments("tcp", HOST, CONTAINER), TCP);
  const before = descriptors(proxy);
  const client = dial();
  client.write("x");
  await until("it arrives", () => sides[0]?.bytesRead === 1);
  const seen = failure(client);
  sides[0]?.resetAndDestroy();
  const clientSaw = await seen;
  const other = dial();
  other.write("x");
  await until("it arrives", () => sides[1]?.bytesRead === 1);
  const closed = new Promise((resolve) => sides[1]?.on("close", resolve));
  other.resetAndDestroy();
  await closed;
  await until("its sockets close", () => descriptors(proxy) <= before + 1 + 2 * 4);
  return { clientSaw };
}

/** A client of IPv6, a container of IPv4, and the listener as the engine gives it. */
async function givenListener(): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "caisson-proxy-"));
  const status = join(folder, "status");
  await serve((socket) => socket.end(`from ${socket.remoteAddress}`));
  await startRole(
    ["caisson-proxy", ...proxyArguments("tcp", HOST, CONTAINER, "::1")],
    [status, { type: "stream", family: 6, port: HOST }],
  );
  const answer = (await everything(dial(HOST, "::1"))).toString();
  const said = readFileSync(status, "utf8");
  rmSync(folder, { recursive: true });
  return { answer, said };
}

/** A range: the firewall sends the ports 8000 to 8003 to this one, which is 8000; each has a container's port. */
async function range(): Promise<unknown> {
  for (const port of [0, 3]) {
    const server = createServer((socket) => socket.end(`${port}`));
    server.listen(CONTAINER + port, "127.0.0.1");
    await once(server, "listening");
  }
  await startProxy([...proxyArguments("tcp", HOST, CONTAINER), "-count", "4"], TCP);
  const direct = (await everything(dial())).toString();
  const rule = `add table ip t; add chain ip t output { type nat hook output priority -100; };
    add rule ip t output tcp dport ${HOST}-${HOST + 4} redirect to :${HOST}`;
  const { stderr } = spawnSync("nft", [rule], { encoding: "utf8" });
  if (stderr !== "") throw new Error(stderr);
  const redirected = (await everything(dial(HOST + 3))).toString();
  return { direct, redirected, beyond: await failure(dial(HOST + 4)) };
}

async function bound(port: number, type: "udp4" | "udp6" = "udp4"): Promise<Datagrams> {
  const socket = createSocket(type);
  socket.bind(port, type === "udp4" ? "127.0.0.1" : "::1");
  await once(socket, "listening");
  return socket;
}

/** Clients of UDP get the answers to what they sent, from where they sent it to, whole, and also empty ones. */
async function datagrams(): Promise<unknown> {
  const container = await bound(CONTAINER);
  container.on("message", (data, from) => container.send(data, from.port, from.address));
  await startProxy(proxyArguments("udp", HOST, CONTAINER), UDP);
  const big = randomBytes(60_000);
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const client = await bound(0);
      const sent = i === 0 ? big : i === 1 ? Buffer.alloc(0) : Buffer.from(`client ${i}`);
      client.send(sent, HOST, "127.0.0.1");
      const [data, from] = (await once(client, "message")) as [Buffer, { address: string; port: number }];
      client.close();
      return data.equals(sent) && from.address === "127.0.0.1" && from.port === HOST;
    }),
  );
  return answers.filter((answer) => answer).length;
}

/** More clients of UDP than it remembers: the last ones are served, and no descriptor is left over. */
async function manyDatagrams(): Promise<unknown> {
  const container = await bound(CONTAINER);
  container.on("message", (data, from) => container.send(data, from.port, from.address));
  const pid = await startProxy(proxyArguments("udp", HOST, CONTAINER, "::1"), { ...UDP, family: 6 });
  const before = descriptors(pid);
  let right = 0;
  for (let i = 0; i < 1100; i++) {
    const client = await bound(0, "udp6");
    client.send(`client ${i}`, HOST, "::1");
    const [data] = await once(client, "message");
    right += String(data) === `client ${i}` ? 1 : 0;
    client.close();
  }
  return { right, sockets: descriptors(pid) - before };
}

await perform({
  bothDirections,
  halfClose,
  many,
  fewDescriptors,
  refused,
  vanished,
  givenListener,
  range,
  datagrams,
  manyDatagrams,
});
