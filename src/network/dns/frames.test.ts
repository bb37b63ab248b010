import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeFrame, FrameReader, type Frame } from "./frames.ts";

function hello(transport: 0 | 1, container: string): Buffer {
  return Buffer.concat([Buffer.of(transport, container.length), Buffer.from(container)]);
}

test("a hello says whose connection it is; then come frames", () => {
  const reader = new FrameReader();
  expect(reader.push(Buffer.of(1))).toEqual([]);
  expect(reader.hello).toBeUndefined();
  expect(reader.push(Buffer.from("\x03abc", "latin1"))).toEqual([]);
  expect(reader.hello).toEqual({ transport: "tcp", container: "abc" });
  const [frame] = reader.push(Buffer.from("\0\x02hi", "latin1")) ?? [];
  expect([frame?.asker.length, Buffer.from(frame?.message ?? []).toString()]).toEqual([0, "hi"]);
});

test("a frame of a relay without room for its asker ends it", () => {
  const reader = new FrameReader();
  expect(reader.push(Buffer.concat([hello(0, "c"), Buffer.of(0, 15), Buffer.alloc(15)]))).toBeUndefined();
  const tcp = new FrameReader();
  expect(tcp.push(Buffer.concat([hello(1, "c"), Buffer.of(0, 0)]))).toHaveLength(1);
});

test("frames come whole, however the stream is cut", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(
      pieces,
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 }),
      (messages, tcp, cuts) => {
        const asker = tcp ? new Uint8Array() : Uint8Array.from({ length: 16 }, (_, i) => i);
        const stream = Buffer.concat([
          hello(tcp ? 1 : 0, "container"),
          ...messages.map((message) => encodeFrame({ asker, message })),
        ]);
        const reader = new FrameReader();
        const found: Frame[] = [];
        let at = 0;
        for (const size of [...cuts, stream.length]) {
          found.push(...(reader.push(stream.subarray(at, at + size)) ?? []));
          at = Math.min(stream.length, at + size);
        }
        expect(reader.hello).toEqual({ transport: tcp ? "tcp" : "udp", container: "container" });
        expect(found.map(({ message }) => [...message])).toEqual(messages.map((message) => [...message]));
        expect(found.every((frame) => Buffer.compare(frame.asker, asker) === 0)).toBe(true);
      },
    ),
  );
});
