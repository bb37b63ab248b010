import { expect, test } from "bun:test";
import type { IncomingMessage } from "node:http";
import { FrameStripper } from "./stream-frames.ts";
import { binaryFrame, closeFrame, handshake, WebSocketReader } from "./websocket.ts";

/** A frame as clients send them. */
function masked(first: number, payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload);
  const mask = Buffer.from([1, 2, 3, 4]);
  const long = body.length < 126 ? Buffer.from([0x80 | body.length]) : Buffer.alloc(3);
  if (long.length === 3) {
    long[0] = 0x80 | 126;
    long.writeUInt16BE(body.length, 1);
  }
  return Buffer.concat([Buffer.from([first]), long, mask, body.map((byte, i) => byte ^ (mask[i & 3] ?? 0))]);
}

function read(...chunks: readonly Uint8Array[]): string[] {
  const said: string[] = [];
  const reader = new WebSocketReader({
    data: (payload) => said.push(`data ${Buffer.from(payload).toString()}`),
    reply: (frame) => said.push(`reply ${frame.toString("hex")}`),
    end: () => said.push("end"),
    broken: (why) => said.push(`broken ${why}`),
  });
  for (const chunk of chunks) reader.push(chunk);
  return said;
}

test("the handshake of RFC 6455's example; anything else is refused", () => {
  const headers = {
    upgrade: "WebSocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
  };
  const asked = (more: object): IncomingMessage =>
    ({ method: "GET", headers: { ...headers, ...more } }) as unknown as IncomingMessage;
  expect(handshake(asked({}))).toContain("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  expect(() => handshake(asked({ upgrade: "tcp" }))).toThrow("not websocket protocol");
  expect(() => handshake(asked({ "sec-websocket-key": "short" }))).toThrow("mismatch challenge/response");
  expect(() => handshake(asked({ "sec-websocket-version": "8" }))).toThrow(
    "missing or bad WebSocket Version",
  );
});

test("messages, in parts and cut anywhere", () => {
  const bytes = Buffer.concat([
    masked(0x81, "one"),
    masked(0x02, "tw"),
    masked(0x89, "p"),
    masked(0x80, "o"),
    masked(0x82, Buffer.alloc(300, "x")),
    masked(0x88, ""),
    masked(0x82, "late"),
  ]);
  const expected = ["data one", "data tw", "reply 8a0170", "data o", `data ${"x".repeat(300)}`, "end"];
  expect(read(bytes)).toEqual(expected);
  expect(read(...[...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
});

test("what breaks the protocol ends it", () => {
  expect(read(Buffer.from([0x82, 0x01, 0x41]))).toEqual(["broken protocol"]);
  expect(read(masked(0xc2, "x"))).toEqual(["broken protocol"]);
  expect(read(masked(0x80, "x"))).toEqual(["broken protocol"]);
  expect(read(masked(0x02, "x"), masked(0x82, "y"))).toEqual(["data x", "broken protocol"]);
  expect(read(masked(0x09, "x"))).toEqual(["broken protocol"]);
  expect(read(masked(0x83, "x"))).toEqual(["broken protocol"]);
  const huge = Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.alloc(12, 1)]);
  expect(read(huge)).toEqual(["broken tooBig"]);
});

test("frames that are sent", () => {
  expect(binaryFrame(Buffer.from("ab")).toString("hex")).toBe("82026162");
  expect(binaryFrame(Buffer.alloc(200)).subarray(0, 4).toString("hex")).toBe("827e00c8");
  expect(binaryFrame(Buffer.alloc(70_000)).subarray(0, 10).toString("hex")).toBe("827f0000000000011170");
  expect(closeFrame("tooBig").toString("hex")).toBe("880203f1");
});

test("Docker's frames are taken off, wherever they are cut", () => {
  const bytes = Buffer.from([
    1, 0, 0, 0, 0, 0, 0, 2, 65, 66, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 67,
  ]);
  for (const step of [1, 3, 5, 100]) {
    const frames = new FrameStripper();
    let text = "";
    for (let at = 0; at < bytes.length; at += step)
      for (const payload of frames.push(bytes.subarray(at, at + step)))
        text += Buffer.from(payload).toString();
    expect(text).toBe("ABC");
  }
});
