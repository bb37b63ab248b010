import { expect, test } from "bun:test";
import { Readable } from "node:stream";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Exchange } from "./exchange.ts";
import { refusal } from "./fake-engine.ts";
import { hasBody, readForm, readJson, registryAuth } from "./request.ts";

function request(headers: IncomingHttpHeaders, body: string | readonly Uint8Array[] = ""): IncomingMessage {
  const chunks = typeof body === "string" ? [Buffer.from(body)] : body;
  return Object.assign(Readable.from(chunks), { headers }) as unknown as IncomingMessage;
}

const json = (
  headers: IncomingHttpHeaders,
  body: string | readonly Uint8Array[] = "",
  optional = false,
): Promise<unknown> => readJson({ request: request(headers, body) } as unknown as Exchange, optional);
const sized = (body: string): IncomingHttpHeaders => ({
  "content-length": String(body.length),
  "content-type": "application/json",
});

test("whether there is a body: by its length, or because none is said", () => {
  expect(hasBody(request({}))).toBe(false);
  expect(hasBody(request({ "content-length": "0" }))).toBe(false);
  expect(hasBody(request({ "content-length": "1" }))).toBe(true);
  expect(hasBody(request({ "transfer-encoding": "chunked" }))).toBe(true);
});

test("JSON must call itself so, in Docker's words", async () => {
  expect(await json(sized('{"a":1}'), '{"a":1}')).toEqual({ a: 1 });
  expect(
    await json({ "content-length": "2", "content-type": "Application/JSON; charset=utf-8" }, "{}"),
  ).toEqual({});
  expect(await json({}, "", true)).toEqual({});
  expect(await refusal(json({ "content-length": "2", "content-type": "text/plain" }, "{}"))).toBe(
    "unsupported Content-Type header (text/plain): must be 'application/json'",
  );
  expect(await refusal(json({ "content-length": "2" }, "{}"))).toBe(
    "malformed Content-Type header (): mime: no media type",
  );
  expect(await refusal(json({}))).toContain("EOF");
});

test("a body that is larger than any configuration is refused before it is read", async () => {
  let read = 0;
  const chunk = new Uint8Array(1 << 20);
  function* chunks(): Generator<Uint8Array> {
    for (; read < 64; read++) yield chunk;
  }
  const endless = Object.assign(Readable.from(chunks()), {
    headers: { "transfer-encoding": "chunked", "content-type": "application/json" },
  });
  const reading = readJson({ request: endless as unknown as IncomingMessage } as unknown as Exchange);
  expect(await refusal(reading)).toBe("the request's body is larger than 16777216 bytes");
  expect(read).toBeLessThan(40);
});

test("a form is read only if it is one", async () => {
  const type = "application/x-www-form-urlencoded; charset=utf-8";
  expect(await readForm(request({ "content-type": type, "content-length": "3" }, "a=b"))).toBe("a=b");
  expect(await readForm(request({ "content-type": type }))).toBeUndefined();
  expect(
    await readForm(request({ "content-type": "application/json", "content-length": "2" }, "{}")),
  ).toBeUndefined();
  expect(await readForm(request({}))).toBeUndefined();
});

test("credentials, in both spellings; what can't be read counts as none", () => {
  const of = (value: unknown): unknown => {
    const text = typeof value === "string" ? value : Buffer.from(JSON.stringify(value)).toString("base64url");
    return registryAuth(request({ "x-registry-auth": text }));
  };
  expect(of({ username: "u", password: "p", email: "e", serveraddress: "r" })).toEqual({
    username: "u",
    password: "p",
    serveraddress: "r",
  });
  const auth = Buffer.from("u:p:q").toString("base64");
  expect(of({ auth })).toEqual({ username: "u", password: "p:q" });
  expect(of({ auth, username: "v", password: "" })).toEqual({ username: "v", password: "p:q" });
  expect(of({ identitytoken: "t" })).toEqual({ identitytoken: "t" });
  // Clients in Go pad what they send.
  expect(of(Buffer.from('{"username":"ab"}').toString("base64"))).toEqual({ username: "ab" });
  for (const none of [{}, { username: "", password: "" }, { username: 1 }, [], "null", "%%%", "e30"])
    expect(of(none)).toBeUndefined();
  expect(of("bnVsbA")).toBeUndefined();
  expect(registryAuth(request({}))).toBeUndefined();
});
