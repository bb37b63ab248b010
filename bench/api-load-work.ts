/**
 * The work of the benchmark of load: requests of many clients at once, and followers of one log.
 * @module
 */
import { request } from "node:http";
import { failure } from "../src/errors/mod.ts";
import { ApiConnection } from "./api.ts";

/** Clients that ask at once. */
const clients = 8;
/** A line of a log is that long, with its line feed. */
export const lineSize = 100;
/** What precedes each line in a stream of a container without a terminal. */
const frameHeader = 8;

/** Reads an answer to its end without looking into it; the count of its bytes. `begun` is called at its head. */
export function drain(
  socket: string,
  path: string,
  options: { begun?: () => void; signal?: AbortSignal } = {},
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request({ socketPath: socket, agent: false, path, signal: options.signal }, (response) => {
    let size = 0;
    response.on("data", (chunk: Buffer) => (size += chunk.length));
    response.on("error", reject);
    response.on("end", () => {
      if (response.statusCode === 200) return resolve(size);
      reject(failure("internal", { message: `GET ${path}: ${response.statusCode}` }));
    });
    options.begun?.();
  });
  sent.on("error", reject);
  sent.end();
  return promise;
}

/** Does something so many times, shared by clients with connections of their own. */
export async function byClients(
  socket: string,
  count: number,
  work: (api: ApiConnection) => Promise<void>,
): Promise<void> {
  let left = count;
  const client = async (): Promise<void> => {
    using api = new ApiConnection(socket);
    while (left-- > 0) await work(api);
  };
  await Promise.all(Array.from({ length: clients }, client));
}

async function start(api: ApiConnection, script: string): Promise<string> {
  const { Id } = (await api.call("POST", "/v1.40/containers/create", {
    Image: "busybox",
    Cmd: ["sh", "-c", script],
    // Both keep all of it, in one file: without options caisson's log has an end.
    HostConfig: { NetworkMode: "none", LogConfig: { Type: "json-file", Config: { "max-size": "10g" } } },
  })) as { readonly Id: string };
  await api.call("POST", `/v1.40/containers/${Id}/start`);
  return Id;
}

async function remove(api: ApiConnection, id: string): Promise<void> {
  await api.call("DELETE", `/v1.40/containers/${id}?force=1`);
}

/** Create, start and remove `count` containers; microseconds for each. */
export async function churn(socket: string, count: number): Promise<number[]> {
  const began = performance.now();
  await byClients(socket, count, async (api) => remove(api, await api.idle()));
  return [((performance.now() - began) * 1000) / count];
}

/** Lists all containers, one request after the other; microseconds of each. */
export async function list(socket: string, containers: number, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let left = count; left > 0; left--) {
    const began = performance.now();
    const size = await drain(socket, "/v1.40/containers/json");
    samples.push((performance.now() - began) * 1000);
    if (size < containers * 100) throw failure("internal", { message: `a list of ${size} bytes` });
  }
  return samples;
}

const line = "x".repeat(lineSize - 1);

/** Lines that are written at once. */
const pieceLines = 10_000;

/**
 * Starts a container that writes so many lines, a multiple of 10000, and awaits its end, then reads its log; microseconds of
 * both. Throws if a byte is missing.
 */
export async function writeAndRead(socket: string, lines: number): Promise<number[][]> {
  using api = new ApiConnection(socket);
  const began = performance.now();
  // From a file: making the lines would take longer than passing them on.
  const piece = `yes ${line} | head -n ${pieceLines} >/piece`;
  const copies = `i=0; while [ $i -lt ${lines / pieceLines} ]; do cat /piece; i=$((i+1)); done`;
  const id = await start(api, `${piece}; ${copies}`);
  await api.call("POST", `/v1.40/containers/${id}/wait`);
  const written = performance.now();
  const size = await drain(socket, `/v1.40/containers/${id}/logs?stdout=1`);
  const read = performance.now();
  await remove(api, id);
  if (size !== lines * (lineSize + frameHeader))
    throw failure("internal", { message: `the log of ${lines} lines is ${size} bytes` });
  return [[(written - began) * 1000], [(read - written) * 1000]];
}

/**
 * Has so many clients follow the log of a container, then lets it write; microseconds until all have all of it. If one
 * misses a byte, `missed` is told; without it this throws.
 */
export async function follow(
  socket: string,
  followers: number,
  lines: number,
  missed?: (what: string) => void,
): Promise<number[]> {
  using api = new ApiConnection(socket);
  // A process for every 20 lines: followers are woken many times.
  const script = `while [ ! -e /go ]; do sleep 0.05; done
    i=0; while [ $i -lt ${lines / 20} ]; do yes ${line} | head -n 20; i=$((i+1)); done`;
  const id = await start(api, script);
  let begun = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const path = `/v1.40/containers/${id}/logs?stdout=1&follow=1`;
  const answers = Array.from({ length: followers }, () =>
    drain(socket, path, { begun: () => void (++begun === followers && resolve()) }),
  );
  const sizes = Promise.all(answers);
  // Docker's head comes with the first bytes at the latest: then all are there, or a second was enough.
  await Promise.race([all, sizes, Bun.sleep(1000)]);
  const { Id } = (await api.call("POST", `/v1.40/containers/${id}/exec`, { Cmd: ["touch", "/go"] })) as {
    readonly Id: string;
  };
  const began = performance.now();
  await api.call("POST", `/v1.40/exec/${Id}/start`, { Detach: true });
  const wrong = (await sizes).filter((size) => size !== lines * (lineSize + frameHeader));
  const elapsed = (performance.now() - began) * 1000;
  await remove(api, id);
  if (wrong.length > 0) {
    const message = `${wrong.length} followers missed lines, one got ${wrong[0]} bytes`;
    if (missed === undefined) throw failure("internal", { message });
    missed(message);
  }
  return [elapsed];
}
