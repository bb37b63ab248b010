import { expect, test } from "bun:test";
import { request, type IncomingMessage } from "node:http";
import { startApi, type TestApi } from "./fake-engine.ts";

const statistics = "/v1.51/containers/c/stats";

/** An API whose statistics are these lines. */
function startWith(lines: () => AsyncIterable<string>): Promise<TestApi> {
  return startApi({ containers: { stats: async () => lines() } });
}

async function* some(): AsyncGenerator<string> {
  yield "one\n";
  yield "";
  yield "grün\n";
}

test("an answer of unknown length: chunks of HTTP/1.1, the bare lines in HTTP/1.0", async () => {
  await using api = await startWith(some);
  const now = api.open(`GET ${statistics} HTTP/1.1\r\nHost: d\r\n\r\n`);
  const chunks = "4\r\none\n\r\n6\r\ngr\u00c3\u00bcn\n\r\n0\r\n\r\n";
  expect(await now.until("0\r\n\r\n")).toEndWith(`Transfer-Encoding: chunked\r\n\r\n${chunks}`);
  const old = await api.open(`GET ${statistics} HTTP/1.0\r\n\r\n`).ended();
  expect(old).not.toContain("chunked");
  expect(old).toEndWith("\r\n\r\none\ngr\u00c3\u00bcn\n");
});

test("a connection serves the next request after an answer of unknown length, also one that was sent before", async () => {
  await using api = await startWith(some);
  const ask = `GET ${statistics} HTTP/1.1\r\nHost: d\r\n\r\n`;
  const c = api.open(ask + ask);
  const third = `GET ${statistics} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n`;
  await c.until("0\r\n\r\n");
  c.send(third);
  const answers = (await c.ended()).split("HTTP/1.1 200 OK").slice(1);
  expect(answers).toHaveLength(3);
  for (const answer of answers) expect(answer).toMatch(/\r\n\r\n4\r\none\n\r\n6\r\ngr..n\n\r\n0\r\n\r\n$/s);
});

test("lines wait for a client that reads slowly, and end when it goes", async () => {
  const line = `${"x".repeat(64 << 10)}\n`;
  let asked = 0;
  const over = Promise.withResolvers<string>();
  await using api = await startWith(async function* () {
    try {
      for (;;) {
        asked++;
        yield line;
      }
    } finally {
      over.resolve("over");
    }
  });
  const sent = request({ socketPath: api.path, path: statistics, agent: false });
  const response = await new Promise<IncomingMessage>((resolve) => sent.on("response", resolve).end());
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > 4 << 20) break;
  }
  // What the kernel holds of a socket, and what one write of each side is.
  expect(asked).toBeLessThan(1000);
  response.destroy();
  expect(await over.promise).toBe("over");
});
