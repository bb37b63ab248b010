import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { failure } from "../errors/mod.ts";
import type { EngineEvent, Progress } from "../engine/mod.ts";
import { startApi } from "./fake-engine.ts";

function get(url: string): string {
  return `GET ${url} HTTP/1.1\r\nHost: d\r\n\r\n`;
}

function post(url: string, extra = "Content-Length: 0\r\n"): string {
  return `POST ${url} HTTP/1.1\r\nHost: d\r\n${extra}\r\n`;
}

/** The body of a chunked answer that was sent whole. */
function unchunk(answer: string): string {
  let rest = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  let body = "";
  for (;;) {
    const end = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return body;
    body += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 2 + size + 2);
  }
}

test("progress: each report at once, CR LF after each, and what the engine was asked", async () => {
  const go = Promise.withResolvers<void>();
  let asked: unknown;
  await using api = await startApi({
    images: {
      pull: async function* (reference, { tag, platform, auth: credentials }) {
        asked = [reference, { tag, platform, auth: credentials }];
        yield { status: "Pulling" };
        await go.promise;
        yield { status: "Done" };
      },
    },
  });
  const auth = Buffer.from('{"username":"u","password":"p"}').toString("base64url");
  const c = api.open(
    post(
      "/images/create?fromImage=a/b&tag=t&platform=linux/arm64",
      `X-Registry-Auth: ${auth}\r\nContent-Length: 0\r\n`,
    ),
  );
  await c.until('{"status":"Pulling"}\r\n');
  go.resolve();
  expect(unchunk(await c.until("0\r\n\r\n"))).toBe('{"status":"Pulling"}\r\n{"status":"Done"}\r\n');
  expect(c.received).toContain("\r\nContent-Type: application/json\r\n");
  expect(asked).toEqual([
    "a/b",
    { tag: "t", platform: "linux/arm64", auth: { username: "u", password: "p" } },
  ]);
});

test("progress: a failure before the first report has its status, one after it is the last line", async () => {
  await using api = await startApi({
    images: {
      pull: async function* (reference): AsyncGenerator<Progress> {
        if (reference === "late") yield { status: "Pulling" };
        throw failure("manifest-unknown", { reference });
      },
    },
  });
  const early = await api.ask("POST", "/images/create?fromImage=early");
  const message = "manifest for early not found: manifest unknown: manifest unknown";
  expect([early.status, early.text]).toEqual([404, `{"message":"${message}"}\n`]);
  const late = await api.ask("POST", "/images/create?fromImage=late");
  const text = message.replace("early", "late");
  expect([late.status, late.text]).toEqual([
    200,
    `{"status":"Pulling"}\r\n{"errorDetail":{"message":"${text}"},"error":"${text}"}\r\n`,
  ]);
});

test("progress: work stops when the client goes", async () => {
  const stopped = Promise.withResolvers<string>();
  await using api = await startApi({
    images: {
      pull: async function* (_, { signal }) {
        try {
          yield { status: "Pulling" };
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
          yield { status: "never seen" };
        } finally {
          stopped.resolve("stopped");
        }
      },
    },
  });
  const c = api.open(post("/images/create?fromImage=a"));
  await c.until("Pulling");
  c.socket.destroy();
  expect(await stopped.promise).toBe("stopped");
});

test("import and load read the body", async () => {
  const seen: unknown[] = [];
  const drain = async (source: AsyncIterable<Buffer> | string): Promise<string> => {
    if (typeof source === "string") return `at ${source}`;
    let text = "";
    for await (const chunk of source) text += chunk.toString();
    return text;
  };
  await using api = await startApi({
    images: {
      import: async function* (source, options) {
        seen.push(await drain(source), options);
        yield { status: "sha256:x" };
      },
      load: async function* (source, options) {
        seen.push(await drain(source), options);
        yield { stream: "Loaded" };
      },
    },
  });
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  await api.ask("POST", "/images/create?fromSrc=-&repo=r&tag=t&changes=A&changes=B&message=m", "tar", form);
  await api.ask("POST", "/v1.47/images/load?quiet=0&platform=x", "tar2", form);
  await api.ask("POST", "/images/load", "tar3");
  expect(seen).toEqual([
    "tar",
    { repository: "r", tag: "t", message: "m", changes: ["A", "B"] },
    "tar2",
    { quiet: false },
    "tar3",
    { quiet: true },
  ]);
});

test("save streams a tar; a broken one breaks the connection", async () => {
  let names: unknown;
  await using api = await startApi({
    images: {
      save: async (given) => {
        names = given;
        const source = new PassThrough();
        source.write("tar");
        if (given[0] === "bad") setTimeout(() => source.destroy(failure("internal", { message: "x" })), 5);
        else source.end();
        return source;
      },
    },
  });
  const good = await api.ask("GET", "/images/get?names=a&names=b");
  expect([good.status, good.headers["content-type"], good.text, names]).toEqual([
    200,
    "application/x-tar",
    "tar",
    ["a", "b"],
  ]);
  const bad = api.open(get("/images/bad/get"));
  expect(await bad.ended()).not.toContain("\r\n0\r\n");
});

const event: EngineEvent = {
  Type: "container",
  Action: "start",
  Actor: { ID: "c", Attributes: { image: "i" } },
  scope: "local",
  time: 1795495686,
  timeNano: 1795495686925822104n,
};

test("events: headers before the first, nanoseconds to the digit, older fields first, the end by the client", async () => {
  const go = Promise.withResolvers<void>();
  const left = Promise.withResolvers<string>();
  let asked: unknown;
  await using api = await startApi({
    events: {
      subscribe: async function* ({ signal, ...options }) {
        asked = options;
        await go.promise;
        yield event;
        yield { ...event, Type: "volume" };
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        left.resolve("left");
      },
    },
  });
  const c = api.open(get('/v1.51/events?since=1.5&filters={"type":{"container":true}}'));
  expect(await c.until("\r\n\r\n")).toContain("Content-Type: application/json\r\n");
  go.resolve();
  const rest =
    '"Action":"start","Actor":{"ID":"c","Attributes":{"image":"i"}},"scope":"local","time":1795495686,"timeNano":1795495686925822104}\n';
  const text = await c.until('"Type":"volume"');
  expect(text).toContain(`{"status":"start","id":"c","from":"i","Type":"container",${rest}`);
  expect(text).toContain(`{"Type":"volume",${rest}`);
  expect(asked).toEqual({ since: 1_500_000_000n, filters: new Map([["type", ["container"]]]) });
  c.socket.destroy();
  expect(await left.promise).toBe("left");
});

test("logs: their content types, headers at once, options, and the end by the client", async () => {
  const asked: unknown[] = [];
  const sources: PassThrough[] = [];
  await using api = await startApi({
    containers: {
      logs: async (name, options) => {
        asked.push(options);
        const stream = new PassThrough();
        sources.push(stream);
        return { tty: name === "tty", stream };
      },
    },
  });
  const c = api.open(get("/v1.51/containers/c/logs?stdout=1&follow=1&since=3&until=4.25&tail=7"));
  expect(await c.until("\r\n\r\n")).toContain("application/vnd.docker.multiplexed-stream");
  expect(asked[0]).toEqual({
    stdout: true,
    stderr: false,
    follow: true,
    timestamps: false,
    details: false,
    since: 3_000_000_000n,
    until: 4_250_000_000n,
    tail: 7,
  });
  const closed = new Promise((resolve) => sources[0]?.once("close", resolve));
  c.socket.destroy();
  await closed;
  const tty = api.open(get("/v1.51/containers/tty/logs?stdout=1&tail=all"));
  expect(await tty.until("\r\n\r\n")).toContain("application/vnd.docker.raw-stream");
  const half = api.open(get("/v1.51/containers/tty/logs?stdout=1"));
  half.end();
  await half.until("\r\n\r\n");
  sources[2]?.end("all the same\n");
  expect(unchunk(await half.ended())).toBe("all the same\n");
  sources[1]?.end("line\n");
  expect(unchunk(await tty.until("0\r\n\r\n"))).toBe("line\n");
  const old = api.open(get("/v1.41/containers/c/logs?stdout=1"));
  expect(await old.until("\r\n\r\n")).toContain("application/vnd.docker.raw-stream");
});

test("wait: registered and headers sent at once, then the answer", async () => {
  const conditions: string[] = [];
  const done = Promise.withResolvers<{ StatusCode: number }>();
  await using api = await startApi({
    containers: {
      wait: (name, condition) => {
        if (name === "nope") throw failure("no-such-container", { name });
        conditions.push(condition);
        return { done: done.promise };
      },
    },
  });
  const c = api.open(post("/v1.51/containers/c/wait?condition=next-exit"));
  expect(await c.until("\r\n\r\n")).toContain("Transfer-Encoding: chunked");
  const old = api.open(post("/v1.29/containers/c/wait?condition=removed"));
  await Bun.sleep(5);
  expect(old.received).toBe("");
  expect((await api.ask("POST", "/containers/nope/wait")).status).toBe(404);
  done.resolve({ StatusCode: 137 });
  expect(unchunk(await c.until("0\r\n\r\n"))).toBe('{"StatusCode":137}\n');
  expect(await old.until("}\n")).toEndWith('\r\n\r\n{"StatusCode":137}\n');
  expect(conditions).toEqual(["next-exit", "not-running"]);
});

test("an upload waits for its reader", async () => {
  const read = Promise.withResolvers<void>();
  await using api = await startApi({
    images: {
      load: async function* (source) {
        await read.promise;
        let size = 0;
        for await (const chunk of source as AsyncIterable<Buffer>) size += chunk.length;
        yield { size };
      },
    },
  });
  const size = 8 << 20;
  const c = api.open(post("/images/load", `Content-Length: ${size}\r\n`));
  const all = new Promise((resolve) => c.socket.write(Buffer.alloc(size), resolve));
  const first = await Promise.race([all.then(() => "sent"), Bun.sleep(150).then(() => "held")]);
  expect(first).toBe("held");
  read.resolve();
  expect(await c.until(`{"size":${size}}`)).toContain("200 OK");
});
