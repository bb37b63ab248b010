import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { ServerError } from "./errors.ts";
import { demultiplex } from "./frames.ts";
import { filterQuery, queryString, Transport } from "./transport.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-transport-`);
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => rmSync(directory, { recursive: true }));

async function engine(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{
  transport: Transport;
  server: Server;
}> {
  const server = createServer(answer);
  servers.push(server);
  const path = `${directory}/${Math.random().toString(36).slice(2)}.sock`;
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { server, transport: new Transport({ kind: "unix", host: `unix://${path}`, path }) };
}

const say = (response: ServerResponse, status: number, value: unknown): void => {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
};

describe("requests", () => {
  test("go to the newest version over one connection", async () => {
    let connections = 0;
    const { transport, server } = await engine((request, response) =>
      say(response, 200, { url: request.url }),
    );
    server.on("connection", () => connections++);
    expect(await transport.json("GET", "/a", { query: { all: true, no: false, x: ["1", "2"] } })).toEqual({
      url: "/v1.51/a?all=1&x=1&x=2",
    });
    await transport.json("GET", "/b");
    expect(connections).toBe(1);
    transport.close();
  });

  test("are repeated for an older engine", async () => {
    const urls: unknown[] = [];
    const { transport } = await engine((request, response) => {
      urls.push(request.url);
      if (request.url?.startsWith("/v1.51") === true) {
        say(response, 400, {
          message: "client version 1.51 is too new. Maximum supported API version is 1.41",
        });
      } else say(response, 200, {});
    });
    await transport.json("GET", "/a");
    await transport.json("GET", "/b");
    expect(urls).toEqual(["/v1.51/a", "/v1.41/a", "/v1.41/b"]);
    expect(transport.version).toBe("1.41");
    transport.close();
  });

  test("that are refused keep the engine's message and status", async () => {
    const { transport } = await engine((_, response) => say(response, 418, { message: "No such pot: tea" }));
    const error = await transport.call("POST", "/x", { json: {} }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ status: 418, message: "No such pot: tea", code: "internal" });
    transport.close();
  });

  test("carry bodies of any kind", async () => {
    const { transport } = await engine((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => {
        body += piece.toString();
      });
      request.on("end", () => say(response, 200, { body, type: request.headers["content-type"] }));
    });
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 3; i++) yield new TextEncoder().encode(`piece${i} `);
    }
    expect(await transport.json("POST", "/x", { json: { a: 1 } })).toEqual({
      body: '{"a":1}',
      type: "application/json",
    });
    expect(await transport.json("PUT", "/x", { body: pieces() })).toMatchObject({
      body: "piece0 piece1 piece2 ",
    });
    transport.close();
  });

  test("to nobody say so", async () => {
    const transport = new Transport({ kind: "unix", host: "unix:///nowhere", path: "/nowhere" });
    expect(await transport.call("GET", "/x").then(() => "no error", messageOf)).toContain(
      "unix:///nowhere: no such file or directory",
    );
  });

  test("an abort ends a stream", async () => {
    const { transport } = await engine((_, response) => {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.write("{}");
    });
    const abort = new AbortController();
    const reply = await transport.send("GET", "/events", { signal: abort.signal });
    await reply.body.next();
    abort.abort();
    expect(await reply.body.next().then(() => "no error", messageOf)).toContain("unexpected EOF");
  });
});

describe("hijacked connections", () => {
  test("early bytes arrive, each side ends on its own", async () => {
    const { transport, server } = await engine((_, response) => {
      response.setHeader("Api-Version", "1.51").end("OK");
    });
    server.on("upgrade", (_, socket) => {
      let typed = "";
      const frame = (text: string): Buffer =>
        Buffer.concat([Buffer.of(1, 0, 0, 0, 0, 0, 0, text.length), Buffer.from(text)]);
      socket.write(
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
      );
      socket.write(frame("early "));
      socket.on("data", (piece: Buffer) => {
        typed += piece.toString();
      });
      socket.on("end", () => socket.end(frame(`got ${typed}`)));
    });
    const connection = await transport.hijack("POST", "/containers/x/attach");
    expect(connection.contentType).toBe("application/vnd.docker.multiplexed-stream");
    await connection.write(new TextEncoder().encode("typed"));
    connection.end();
    let text = "";
    await demultiplex(connection.output, (_, bytes) => {
      text += new TextDecoder().decode(bytes);
    });
    expect(text).toBe("early got typed");
    connection.close();
    transport.close();
  });

  test("may be refused", async () => {
    const { transport, server } = await engine((_, response) => response.end("OK"));
    server.on("upgrade", (_, socket) => {
      const body = '{"message":"No such container: x"}';
      socket.end(
        `HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
    const error = await transport.hijack("POST", "/containers/x/attach").catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 404, message: "No such container: x" });
    transport.close();
  });
});

test("queries", () => {
  expect(queryString(undefined)).toBe("");
  expect(queryString({ a: "b c", n: 0, u: undefined })).toBe("?a=b%20c&n=0");
  expect(filterQuery({ label: ["a=b", "c"] })).toBe('{"label":{"a=b":true,"c":true}}');
  expect(filterQuery({})).toBeUndefined();
});
