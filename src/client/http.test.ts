import { describe, expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { FakeWire } from "./fake-wire.ts";
import { readBody, readHead, reusable, sendRequest } from "./http.ts";

/** Every way to cut `text` into single characters, halves, or nothing. */
const cuts = (text: string): string[][] => [[text], Array.from(text), [text.slice(0, 40), text.slice(40)]];

async function answer(
  pieces: readonly string[],
  method = "GET",
): Promise<{ status: number; body: string; rest: string }> {
  const wire = new FakeWire(pieces);
  const head = await readHead(wire);
  if (head === undefined) return { status: 0, body: "", rest: "" };
  let body = "";
  for await (const piece of readBody(wire, method, head)) body += new TextDecoder().decode(piece);
  let rest = "";
  for (let piece = await wire.read(); piece !== undefined; piece = await wire.read()) {
    rest += new TextDecoder().decode(piece);
  }
  return { status: head.status, body, rest };
}

describe("answers", () => {
  test("by length; what follows stays on the wire", async () => {
    for (const pieces of cuts("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhelloNEXT")) {
      expect(await answer(pieces)).toEqual({ status: 200, body: "hello", rest: "NEXT" });
    }
  });

  test("in chunks, with extensions and trailers", async () => {
    const text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: t\r\n\r\nNEXT";
    for (const pieces of cuts(text)) {
      expect(await answer(pieces)).toEqual({ status: 200, body: "hello0123456789", rest: "NEXT" });
    }
  });

  test("until the end", async () => {
    expect((await answer(["HTTP/1.0 200 OK\r\n\r\nall", " of it"])).body).toBe("all of it");
  });

  test("without a body", async () => {
    expect((await answer(["HTTP/1.1 204 No Content\r\n\r\nNEXT"])).rest).toBe("NEXT");
    expect((await answer(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nNEXT"], "HEAD")).rest).toBe("NEXT");
  });

  test("interim ones are passed over, a switch of protocols is not", async () => {
    expect(
      (await answer(["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"]))
        .status,
    ).toBe(201);
    expect((await answer(["HTTP/1.1 101 UPGRADED\r\nContent-Length: 0\r\n\r\n"])).status).toBe(101);
  });

  test("none at all", async () => {
    expect(await answer([])).toEqual({ status: 0, body: "", rest: "" });
  });

  test.each([
    ["SSH-2.0-x\r\n\r\n", "the engine's answer is not HTTP"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "unexpected EOF"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk size"],
    ["HTTP/1.1 200", "in the middle of an answer"],
  ])("%p is no answer", async (text, what) => {
    expect(await answer([text]).then(() => "no error", messageOf)).toContain(what);
  });
});

describe("requests", () => {
  test("with a whole body", async () => {
    const wire = new FakeWire([]);
    await sendRequest(
      wire,
      { method: "POST", path: "/x", headers: { A: "b" } },
      "host",
      new TextEncoder().encode("hi"),
    );
    expect(wire.sent).toBe(
      "POST /x HTTP/1.1\r\nHost: host\r\nUser-Agent: caisson\r\nA: b\r\nContent-Length: 2\r\n\r\nhi",
    );
  });

  test("with a body in pieces", async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode("hello");
      yield new Uint8Array(0);
      yield new TextEncoder().encode("0123456789");
    }
    const wire = new FakeWire([]);
    await sendRequest(wire, { method: "PUT", path: "/", headers: {} }, "h", body());
    expect(wire.sent).toEndWith(
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n",
    );
  });
});

test("a connection is used again only if the body's end is known", () => {
  const head = (headers: Record<string, string>): Parameters<typeof reusable>[1] => ({
    status: 200,
    reason: "",
    headers: new Map(Object.entries(headers)),
  });
  expect(reusable("GET", head({ "content-length": "1" }))).toBe(true);
  expect(reusable("GET", head({ "transfer-encoding": "chunked" }))).toBe(true);
  expect(reusable("GET", head({}))).toBe(false);
  expect(reusable("GET", head({ "content-length": "1", connection: "close" }))).toBe(false);
});
