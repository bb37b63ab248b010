/**
 * The two that are compared: an engine of ours and, where it is installed, dockerd. Both have the image `busybox` and an
 * image `full:v1` with everything that a configuration can say.
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { dockerArchive } from "../../support/archive.ts";
import { eventually } from "../../support/containers.ts";
import { TestEngine } from "../../support/engine.ts";
import { importBusybox } from "../../support/image.ts";
import { noPeer, Peer } from "../../support/peer.ts";
import type { RawAnswer } from "./answer.ts";

/** Answers take no longer than this, in ms; a stream that goes on is cut here. */
const longest = 30_000;

/** What is sent. A body is JSON unless it is bytes or text, which go as they are. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For an answer that goes on: it ends this many ms after its head came. */
  readonly cut?: number;
  /** Asks for a raw connection; what is written into it. */
  readonly upgrade?: string | Uint8Array;
}

/** One of the two, and where its files are. */
export class Side implements AsyncDisposable {
  readonly name: "caisson" | "dockerd";
  readonly directory: string;
  readonly #socket: string;
  readonly #daemon: AsyncDisposable;
  readonly #registry: ChildProcess | undefined;

  constructor(name: Side["name"], daemon: TestEngine | Peer, registry?: ChildProcess) {
    this.name = name;
    this.directory = daemon.directory;
    this.#socket = daemon.socket;
    this.#daemon = daemon;
    this.#registry = registry;
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${this.#socket}`;
  }

  /** Sends a request and reads the whole answer, or as much as came in time. */
  ask(sent: Sent): Promise<RawAnswer> {
    return sent.upgrade === undefined ? this.#exchange(sent) : this.#hijack(sent, sent.upgrade);
  }

  #exchange({ method, path, body, headers = {}, cut }: Sent): Promise<RawAnswer> {
    const raw = typeof body === "string" || body instanceof Uint8Array;
    const payload = body === undefined ? "" : raw ? body : JSON.stringify(body);
    const type = body === undefined ? {} : { "Content-Type": raw ? "application/x-tar" : "application/json" };
    const length = { "Content-Length": Buffer.byteLength(payload) };
    return new Promise((resolve, reject) => {
      const options = {
        socketPath: this.#socket,
        method,
        path,
        agent: false,
        headers: { ...type, ...length, ...headers },
      } as const;
      const outgoing = request(options, (response) => {
        const chunks: Buffer[] = [];
        const done = (): void => {
          clearTimeout(hang);
          const { statusCode: status = 0, headers: received } = response;
          resolve({ status, headers: { ...received }, body: Buffer.concat(chunks) });
        };
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", done);
        response.on("error", reject);
        if (cut !== undefined) setTimeout(() => (done(), outgoing.destroy()), cut);
      });
      const hang = setTimeout(
        () => outgoing.destroy(new Error(`${this.name}: ${method} ${path}: no answer`)),
        longest,
      );
      outgoing.on("error", (error) => {
        clearTimeout(hang);
        reject(error);
      });
      outgoing.end(payload);
    });
  }

  /** What comes after the head of a connection that was taken over, until the other side ends it. */
  #hijack({ method, path, body = {}, headers = {} }: Sent, input: string | Uint8Array): Promise<RawAnswer> {
    const payload = method === "GET" ? "" : JSON.stringify(body);
    const length = String(Buffer.byteLength(payload));
    const lines = Object.entries({
      Host: "engine",
      Connection: "Upgrade",
      Upgrade: "tcp",
      ...(method === "GET" ? {} : { "Content-Type": "application/json", "Content-Length": length }),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect({ path: this.#socket, allowHalfOpen: true });
      const hang = setTimeout(() => socket.destroy(new Error(`${method} ${path}: no end`)), longest);
      let told = false;
      socket.on("connect", () =>
        socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${payload}`),
      );
      socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (told || !Buffer.concat(chunks).includes("\r\n\r\n")) return;
        told = true;
        socket.end(input);
      });
      socket.on("error", reject);
      socket.on("close", () => {
        clearTimeout(hang);
        const [head, rest] = split(Buffer.concat(chunks));
        resolve({ ...head, body: rest });
      });
      socket.on("end", () => socket.destroy());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#registry?.kill("SIGKILL");
    await this.#daemon[Symbol.asyncDispose]();
  }
}

function split(whole: Buffer): [Omit<RawAnswer, "body">, Buffer] {
  const end = whole.indexOf("\r\n\r\n");
  const [first = "", ...lines] = whole.subarray(0, end).toString("latin1").split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return [
    { status: Number(first.split(" ")[1]), headers: Object.fromEntries(headers) },
    whole.subarray(end + 4),
  ];
}

/** Everything that an image's configuration can say. */
const fullConfig = {
  Labels: { a: "b" },
  Volumes: { "/vol": {} },
  ExposedPorts: { "80/tcp": {} },
  User: "nobody",
  Entrypoint: ["/bin/sh", "-c"],
  Cmd: ["id"],
  Env: ["PATH=/bin", "FROM_IMAGE=1"],
  WorkingDir: "/tmp",
  StopSignal: "SIGINT",
};

async function furnish(daemon: TestEngine | Peer): Promise<void> {
  await importBusybox(daemon);
  const file = { type: "file", path: "hello", mode: 0o644, size: 5, body: Buffer.from("hello") } as const;
  const archive = await dockerArchive("full:v1", [[file]], { config: fullConfig });
  const { status, body } = await daemon.request("POST", "/images/load?quiet=1", archive);
  if (status !== 200 || body.includes('"error"')) throw new Error(`load: ${status} ${body.toString("utf8")}`);
}

/** Debian's docker-registry, at 127.0.0.1:5000 of each. */
export const registryProgram = "/usr/bin/docker-registry";

/** Starts a registry in the network namespace of the process `pid`; resolves when it listens. */
async function serveRegistry(directory: string, pid: number): Promise<ChildProcess> {
  const configuration = join(directory, "registry.yml");
  const storage = `storage: {filesystem: {rootdirectory: ${join(directory, "registry")}}, delete: {enabled: true}}`;
  writeFileSync(configuration, `version: 0.1\n${storage}\nhttp: {addr: "127.0.0.1:5000"}\n`);
  const inside = ["nsenter", `--net=/proc/${pid}/ns/net`] as const;
  const registry = spawn(inside[0], [inside[1], registryProgram, "serve", configuration], {
    cwd: "/",
    stdio: "ignore",
  });
  const listens = ["grep", "-q", "0100007F:1388 00000000:0000 0A", `/proc/${pid}/net/tcp`];
  await eventually(
    "a registry listens",
    () => spawnSync(inside[0], [inside[1], ...listens]).status === 0 || undefined,
    30,
  );
  return registry;
}

/** Starts ours and, where there is one, dockerd; with `registry`, each beside one. */
export async function startSides({ registry }: { readonly registry?: boolean } = {}): Promise<{
  readonly ours: Side;
  readonly peer: Side | undefined;
}> {
  const [engine, peer] = await Promise.all([
    TestEngine.start(),
    noPeer === undefined ? Peer.start() : undefined,
  ]);
  const both = peer === undefined ? [engine] : [engine, peer];
  try {
    await Promise.all(both.map(furnish));
    const registries = registry
      ? await Promise.all(both.map((each) => serveRegistry(each.directory, each.namespace)))
      : [];
    return {
      ours: new Side("caisson", engine, registries[0]),
      peer: peer === undefined ? undefined : new Side("dockerd", peer, registries[1]),
    };
  } catch (error) {
    await Promise.all(both.map((each) => each[Symbol.asyncDispose]()));
    throw error;
  }
}
