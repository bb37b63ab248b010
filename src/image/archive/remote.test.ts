import { afterAll, expect, test } from "bun:test";
import { openRemoteArchive } from "./remote.ts";

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: ({ url }) =>
    new URL(url).pathname === "/a.tar"
      ? new Response("archive")
      : new Response("nothing here", { status: 404 }),
});
afterAll(() => server.stop(true));
const { signal } = new AbortController();
const here = `127.0.0.1:${server.port}`;

test.each([`http://${here}/a.tar`, `${here}/a.tar`])("%s is fetched", async (source) => {
  const { url, size, stream } = await openRemoteArchive(source, signal);
  expect([url, size]).toEqual([`http://${here}/a.tar`, 7]);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe("archive");
});

test.each([
  ["ftp://x/y", "invalid-parameter", 'Get "ftp://x/y": unsupported protocol scheme "ftp"'],
  ["", "invalid-parameter", 'Get "http:": http: no Host in request URL'],
  [`${here}/b`, "not-found", `failed to GET http://${here}/b with status 404 Not Found: nothing here`],
  ["127.0.0.1:1/x", "registry-unreachable", "connection refused"],
])("%s is refused: %s", async (source, code, words) => {
  const error = await openRemoteArchive(source, signal).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code });
  expect(String(error)).toContain(words);
});

test("who goes away is not waited for", async () => {
  const gone = AbortSignal.abort(new Error("the client went"));
  expect(openRemoteArchive(`${here}/a.tar`, gone)).rejects.toThrow("the client went");
});
