import { expect, test } from "bun:test";
import { Duplex, PassThrough, type Readable, type Writable } from "node:stream";
import { failure } from "../errors/mod.ts";
import { startApi, type EngineParts } from "./fake-engine.ts";

const headers =
  "Api-Version: 1.51\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: Docker/28.5.2-caisson (linux)\r\n";
const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

/** A process: `out` is what it writes, `input` what it reads. */
function fakeProcess(): { stream: Duplex; out: Writable; input: Readable } {
  const out = new PassThrough();
  const input = new PassThrough();
  // Node takes such a pair, its types don't say so.
  const pair = { readable: out, writable: input } as unknown as Iterable<never>;
  return { stream: Duplex.from(pair), out, input };
}

/** Says back what it is told, in upper case, and ends after its input. */
function shouter(): Duplex {
  const { stream, out, input } = fakeProcess();
  input.on("data", (chunk: Buffer) => out.write(chunk.toString().toUpperCase()));
  input.on("end", () => out.end("done\n"));
  return stream;
}

function attachTo(stream: () => Duplex, tty = false): EngineParts {
  return { containers: { attach: async () => ({ tty, stream: stream() }) } };
}

function post(url: string, extra = "", body = ""): string {
  const length = body === "" ? "" : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  return `POST ${url} HTTP/1.1\r\nHost: d\r\n${length}${extra}\r\n${body}`;
}

test("attach with an upgrade: 101 to the byte, bytes behind the headers, both ends of halves", async () => {
  await using api = await startApi(attachTo(shouter));
  const c = api.open(`${post("/v1.51/containers/c/attach?stdin=1&stdout=1&stream=1", upgrade)}early `);
  await c.until("EARLY ");
  c.send("late\n");
  await c.until("LATE");
  c.end();
  expect(await c.ended()).toBe(
    `HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n${upgrade}\r\nEARLY LATE\ndone\n`,
  );
});

test("before 1.42, and with a terminal, the stream is called raw", async () => {
  await using api = await startApi(attachTo(shouter));
  const old = api.open(post("/v1.41/containers/c/attach?stdin=1", upgrade));
  old.end();
  expect(await old.ended()).toContain("Content-Type: application/vnd.docker.raw-stream\r\n");
  await using withTty = await startApi(attachTo(shouter, true));
  const tty = withTty.open(post("/v1.51/containers/c/attach?stdin=1", upgrade));
  tty.end();
  expect(await tty.ended()).toContain("Content-Type: application/vnd.docker.raw-stream\r\n");
});

test("attach without an upgrade: 200 and raw bytes both ways", async () => {
  await using api = await startApi(attachTo(shouter));
  const c = api.open(post("/containers/c/attach?stdin=1&stdout=1&stream=1", "Content-Length: 0\r\n"));
  await c.until("\r\n\r\n");
  c.send("GET / is not a request here\n");
  await c.until("HERE\n");
  c.end();
  expect(await c.ended()).toBe(
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nGET / IS NOT A REQUEST HERE\ndone\n",
  );
});

test("on a connection that was used before too", async () => {
  await using api = await startApi(attachTo(shouter));
  const c = api.open("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
  await c.until("OK");
  c.send(post("/containers/c/attach?stdin=1&stdout=1&stream=1", "Content-Length: 0\r\n"));
  await c.until("raw-stream\r\n\r\n");
  c.send("not a request\n");
  await c.until("REQUEST");
  expect(api.server.open).toBe(1);
  c.end();
  expect(await c.ended()).toEndWith(
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nNOT A REQUEST\ndone\n",
  );
  await Bun.sleep(5);
  expect(api.server.open).toBe(0);
});

test("a body of an attach is not input", async () => {
  await using api = await startApi(attachTo(shouter));
  const c = api.open(`${post("/containers/c/attach?stdin=1", upgrade, '{"stream":true}')}hello`);
  c.end();
  expect(await c.ended()).toEndWith("\r\n\r\nHELLOdone\n");
});

test("a chunked body without an upgrade is the input", async () => {
  await using api = await startApi(attachTo(shouter));
  const c = api.open(
    `${post("/containers/c/attach?stdin=1&stdout=1&stream=1", "Transfer-Encoding: chunked\r\n")}3\r\nabc\r\n`,
  );
  await c.until("ABC");
  c.send("0\r\n\r\n");
  expect(await c.ended()).toEndWith("\r\n\r\nABCdone\n");
});

test("the empty chunked body of Node's client is not input", async () => {
  await using api = await startApi(attachTo(shouter));
  const c = api.open(
    `${post("/containers/c/attach?stdin=1", `Transfer-Encoding: chunked\r\n${upgrade}`)}0\r\n\r\n`,
  );
  await c.until("\r\n\r\n");
  c.send("x");
  await c.until("X");
  c.end();
  expect(await c.ended()).toEndWith("\r\n\r\nXdone\n");
});

test("a failed attach is told after the fact, as dockerd tells it", async () => {
  await using api = await startApi({
    containers: {
      attach: async (name) => {
        throw failure("no-such-container", { name });
      },
    },
  });
  for (const extra of [upgrade, ""]) {
    const c = api.open(post("/containers/nope/attach?stream=1", extra));
    expect(await c.ended()).toBe(
      "HTTP/1.1 404 Not Found\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nNo such container: nope\r\n",
    );
  }
  const c = api.open(post("/containers/c/attach?detachKeys=foo", upgrade));
  expect(await c.ended()).toEndWith(
    "400 Bad Request\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nInvalid detach keys (foo) provided\r\n",
  );
});

test("detach keys end the connection, not the process, and only with a terminal and input", async () => {
  const detached: string[] = [];
  const seen: string[] = [];
  const start = (tty: boolean): ReturnType<typeof startApi> =>
    startApi({
      containers: {
        attach: async () => {
          const { stream, input } = fakeProcess();
          input.on("data", (chunk: Buffer) => seen.push(chunk.toString("latin1")));
          return { tty, stream };
        },
        detached: (name) => void detached.push(name),
      },
    });
  await using api = await start(true);
  const c = api.open(`${post("/containers/c/attach?stdin=1", upgrade)}a\x10b`);
  await c.until("\r\n\r\n");
  c.send("\x10");
  await Bun.sleep(5);
  c.send("\x11rest");
  await c.ended();
  expect([detached, seen.join("")]).toEqual([["c"], "a\x10b"]);
  await using plain = await start(false);
  const d = plain.open(`${post("/containers/d/attach?stdin=1", upgrade)}\x10\x11`);
  await d.until("\r\n\r\n");
  await Bun.sleep(5);
  d.socket.destroy();
  expect([detached, seen.join("")]).toEqual([["c"], "a\x10b\x10\x11"]);
});

test("a client that goes destroys the stream", async () => {
  const { stream, out } = fakeProcess();
  await using api = await startApi(attachTo(() => stream));
  const c = api.open(post("/containers/c/attach?stdout=1&stream=1", upgrade));
  await c.until("\r\n\r\n");
  expect(api.server.open).toBe(1);
  const closed = new Promise((resolve) => stream.once("close", resolve));
  c.socket.destroy();
  out.write("into the void");
  await closed;
  await Bun.sleep(1);
  expect(api.server.open).toBe(0);
});

test("exec start: a body with the upgrade, in one packet with input or in pieces", async () => {
  const asked: unknown[] = [];
  await using api = await startApi({
    execs: {
      start: async (id, { detach, tty }) => {
        asked.push([id, { detach, tty }]);
        return { tty: false, stream: shouter() };
      },
    },
  });
  const body = '{"Tty":false}';
  const c = api.open(`${post("/v1.51/exec/e/start", upgrade, body)}hello`);
  c.end();
  const expected = `HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n${upgrade}${headers}\r\nHELLOdone\n`;
  expect(await c.ended()).toBe(expected);
  const whole = `${post("/v1.51/exec/e/start", upgrade, body)}hello`;
  const cut = whole.length - 12;
  const d = api.open(whole.slice(0, cut));
  await Bun.sleep(10);
  d.send(whole.slice(cut));
  d.end();
  expect(await d.ended()).toBe(expected);
  const chunked = `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n${upgrade}`;
  const e = api.open(`${post("/exec/e/start", chunked)}d\r\n${body}\r\n0\r\n\r\nhello`);
  e.end();
  expect(await e.ended()).toBe(expected);
  expect(asked).toEqual(Array.from({ length: 3 }, () => ["e", { detach: false, tty: false }]));
});

test("exec start: the head is there before the process runs, and what fails then is told in the stream", async () => {
  const running = Promise.withResolvers<void>();
  await using api = await startApi({
    execs: {
      start: async (_, { admitted }) => {
        admitted?.(true);
        await running.promise;
        throw failure("conflict", { message: "too late" });
      },
    },
  });
  const c = api.open(post("/v1.51/exec/e/start", upgrade, "{}"));
  const head = `HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n${upgrade}${headers}\r\n`;
  await c.until(head);
  running.resolve();
  c.end();
  expect(await c.ended()).toContain(`${head}`);
  expect(await c.ended()).toContain("too late");
});

test("exec start without an upgrade: 200 and raw bytes; detached: an empty 200", async () => {
  await using api = await startApi({
    execs: {
      start: async (_, { detach }) => (detach ? undefined : { tty: false, stream: shouter() }),
    },
  });
  const c = api.open(`${post("/exec/e/start", "", "{}")}hello`);
  c.end();
  expect(await c.ended()).toBe(
    `HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n${headers}\r\nHELLOdone\n`,
  );
  const detached = await api.ask("POST", "/exec/e/start", { Detach: true });
  expect([detached.status, detached.text]).toEqual([200, ""]);
});

test("exec start: a wrong request has a status, a process that could not run is told in the stream", async () => {
  await using api = await startApi({
    execs: {
      start: async (id) => {
        if (id === "none") throw failure("no-such-exec", { id });
        throw failure("executable-not-found", { text: "exec: not found" });
      },
    },
  });
  const none = api.open(post("/v1.51/exec/none/start", upgrade, "{}"));
  const answer = await none.ended();
  expect(answer).toStartWith("HTTP/1.1 404 Not Found\r\n");
  expect(answer).toEndWith('\r\n\r\n{"message":"No such exec instance: none"}\n');
  const failed = api.open(post("/v1.51/exec/e/start", upgrade, "{}"));
  expect(await failed.ended()).toEndWith("\r\n\r\n\x01\0\0\0\0\0\0\x11exec: not found\r\n");
  const noType = api.open(
    `POST /v1.51/exec/e/start HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Length: 2\r\n\r\n{}`,
  );
  expect(await noType.ended()).toEndWith(
    '{"message":"malformed Content-Type header (): mime: no media type"}\n',
  );
});

test("an upgrade of something else is an ordinary request", async () => {
  await using api = await startApi({ system: { version: async () => ({ Version: "x" }) } });
  const c = api.open("GET /version HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  expect(await c.ended()).toEndWith('\r\n\r\n{"Version":"x","ApiVersion":"1.51","MinAPIVersion":"1.24"}\n');
});

test("a slow client holds the process back, and gets every byte", async () => {
  let produced = 0;
  const total = 16 << 20;
  const chunk = Buffer.alloc(1 << 16, "x");
  const stream = new Duplex({
    read() {
      if (produced >= total) return void this.push(null);
      produced += chunk.length;
      this.push(chunk);
    },
    write(_chunk, _encoding, done) {
      done();
    },
  });
  await using api = await startApi(attachTo(() => stream));
  const c = api.open("");
  c.socket.removeAllListeners("data");
  c.socket.pause();
  c.send(post("/containers/c/attach?stdout=1&stream=1", upgrade));
  await Bun.sleep(100);
  expect(produced).toBeLessThan(8 << 20);
  let received = 0;
  c.socket.on("data", (data: Buffer) => (received += data.length)).resume();
  await c.ended();
  expect(received).toBeGreaterThan(total);
});
