import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { isFailure } from "../../errors/mod.ts";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { isNoAnswer, isTransient } from "./failures.ts";
import { Transport } from "./transport.ts";

const transport = new Transport();
const impatient = new Transport({}, { headers: 1000, small: 100, stall: 100, trickle: 64 });

async function redirecting(registry: FakeRegistry, location: string): Promise<unknown> {
  registry.intercept = (request, response) => {
    if (request.url !== "/start") return false;
    response.writeHead(307, { location }).end();
    return true;
  };
  const url = new URL("/start", registry.url);
  return transport.send({ url, headers: { authorization: "secret" }, follow: true }).then(
    (answer) => answer,
    (error: unknown) => error,
  );
}

test("a redirect within the origin keeps the credentials", async () => {
  await using registry = await FakeRegistry.start();
  const answer = await redirecting(registry, "/v2/");
  expect(answer).toMatchObject({ status: 200, foreign: false });
  expect(registry.authorizations).toEqual(["secret", "secret"]);
});

test("another port is another origin: no credentials, not even on the way back", async () => {
  await using registry = await FakeRegistry.start();
  await using other = await FakeRegistry.start();
  other.intercept = (_request, response) => {
    response.writeHead(302, { location: `${registry.url}/v2/` }).end();
    return true;
  };
  expect(await redirecting(registry, `${other.url}/x`)).toMatchObject({ status: 200, foreign: true });
  expect(other.authorizations).toEqual([undefined]);
  expect(registry.authorizations).toEqual(["secret", undefined]);
});

test("redirects to other schemes, to hosts without TLS, with credentials or to no URL are refused", async () => {
  await using registry = await FakeRegistry.start();
  for (const location of [
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "data:text/plain,x",
    "http://registry.example/",
    "http://user:secret@127.0.0.1/",
    "http://[",
  ]) {
    const error = await redirecting(registry, location);
    expect(isFailure(error, "registry-unreachable")).toBe(true);
    expect([isTransient(error), isNoAnswer(error)]).toEqual([false, false]);
  }
  expect(registry.log.every((line) => line === "GET /start")).toBe(true);
});

test("a loop of redirects ends", async () => {
  await using registry = await FakeRegistry.start();
  expect(String(await redirecting(registry, "/start"))).toContain("stopped after 10 redirects");
  expect(registry.log).toHaveLength(11);
});

test("without follow a redirect is the answer", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (_request, response) => {
    response.writeHead(307, { location: "/v2/" }).end();
    return true;
  };
  const answer = await transport.send({ url: new URL(registry.url), follow: false });
  expect(answer.status).toBe(307);
});

test("plain http is for loopback and configured hosts", async () => {
  const url = new URL("http://registry.example/v2/");
  expect(await rejection(transport.send({ url, follow: true }))).toContain(
    "registry.example is not an insecure registry: refusing plain http",
  );
});

test("a server that never answers is given up", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = () => true;
  const error: unknown = await impatient
    .send({ url: new URL(registry.url), follow: true })
    .catch((e: unknown) => e);
  expect(String(error)).toContain("Client.Timeout exceeded");
  expect(isTransient(error)).toBe(true);
});

test("a body that comes by drops is given up, whatever its size", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (_request, response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write("x"), 10);
    response.on("close", () => clearInterval(drip));
    return true;
  };
  const slow = await impatient.send({ url: new URL(registry.url), follow: true });
  expect(await rejection(Array.fromAsync(slow.chunks()))).toContain("Client.Timeout exceeded");
  const small = await impatient.send({ url: new URL(registry.url), follow: true });
  expect(await rejection(small.bytes(1024))).toContain("Client.Timeout exceeded");
});

test("a slow reader is not taken for a slow server", async () => {
  await using registry = await FakeRegistry.start();
  const size = 4 * 1024 * 1024;
  registry.intercept = (_request, response) => {
    response.writeHead(200, { "content-length": size }).end(Buffer.alloc(size));
    return true;
  };
  const answer = await impatient.send({ url: new URL(registry.url), follow: true });
  let received = 0;
  for await (const chunk of answer.chunks()) {
    if (received === 0) await Bun.sleep(350);
    received += chunk.length;
  }
  expect(received).toBe(size);
});

test("an endless body is cut at the limit, announced or not", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (request, response) => {
    response.writeHead(200, request.url === "/announced" ? { "content-length": 1e12 } : {});
    const flood = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on("drain", flood);
    flood();
    return true;
  };
  for (const path of ["/announced", "/flood"]) {
    const answer = await transport.send({ url: new URL(path, registry.url), follow: true });
    expect(await answer.bytes(100_000)).toBeUndefined();
  }
});

test("a proxy of the environment is not used to reach this machine", async () => {
  await using registry = await FakeRegistry.start();
  await using proxy = await FakeRegistry.start();
  const before = process.env["http_proxy"];
  process.env["http_proxy"] = proxy.url;
  try {
    await fetch(registry.url);
    expect(proxy.log).toHaveLength(1);
    await transport.send({ url: new URL("/v2/", registry.url), follow: true });
  } finally {
    if (before === undefined) delete process.env["http_proxy"];
    else process.env["http_proxy"] = before;
  }
  expect([proxy.log.length, registry.log]).toEqual([1, ["GET /v2/"]]);
});

test("compressed content is not unpacked on the way", async () => {
  await using registry = await FakeRegistry.start();
  const packed = Bun.gzipSync(Buffer.from("hello"));
  registry.intercept = (_request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end(packed);
    return true;
  };
  const answer = await transport.send({ url: new URL(registry.url), follow: true });
  expect(await answer.bytes(1024)).toEqual(Buffer.from(packed));
});

test("a connection that is closed without an answer may be tried again; an abort may not", async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const url = new URL(`http://127.0.0.1:${port}/`);
  const error: unknown = await transport.send({ url, follow: true }).catch((e: unknown) => e);
  expect([isTransient(error), isNoAnswer(error)]).toEqual([true, true]);
  server.close();
  const reason = new RangeError("enough");
  const aborted = transport.send({ url, follow: true, signal: AbortSignal.abort(reason) });
  expect(await aborted.catch((e: unknown) => e)).toBe(reason);
});
