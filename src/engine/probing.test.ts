import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import type { Probe } from "./exec.ts";
import { FakeServices } from "./fake-services.ts";
import { ProbeOutput, runProbe } from "./probing.ts";

function frame(text: string, stream = 1): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test("output of both streams is put together, however it is cut", () => {
  const bytes = Buffer.concat([frame("one "), frame("two ", 2), frame("three")]);
  for (let size = 1; size < bytes.length; size++) {
    const output = new ProbeOutput();
    for (let at = 0; at < bytes.length; at += size) output.take(bytes.subarray(at, at + size));
    expect(output.text).toBe("one two three");
  }
});

test("4096 bytes are kept", () => {
  const output = new ProbeOutput();
  for (let i = 0; i < 3; i++) output.take(frame("x".repeat(2000)));
  expect(output.text).toBe(`${"x".repeat(4096)}...`);
});

interface Fake {
  readonly probe: Probe;
  /** It writes `text` and ends. */
  readonly end: (text: string) => void;
  readonly killed: () => boolean;
}

function fakeProbe(): Fake {
  const ended = Promise.withResolvers<void>();
  const stream = new PassThrough();
  let code: number | undefined;
  const end = (text: string): void => {
    stream.push(frame(text));
    code ??= 3;
    setTimeout(() => ended.resolve(), 1);
  };
  let killed = false;
  const probe: Probe = {
    stream,
    ended: ended.promise,
    exitCode: () => code ?? -1,
    kill: async () => {
      killed = true;
      code = 137;
      ended.resolve();
    },
  };
  return { probe, end, killed: () => killed };
}

const forEver = new AbortController().signal;

test("a probe's code and output", async () => {
  using fake = new FakeServices();
  const { container } = fake.container({ status: "running" });
  const { probe, end } = fakeProbe();
  const running = runProbe(fake.services, async () => probe, container, { timeout: 9e9, signal: forEver });
  end("no");
  expect(await running).toMatchObject({ ExitCode: 3, Output: "no" });
});

test("one that takes too long is killed", async () => {
  using fake = new FakeServices();
  const { container } = fake.container({ status: "running" });
  const { probe, killed } = fakeProbe();
  probe.stream.push(frame("so far"));
  const result = await runProbe(fake.services, async () => probe, container, {
    timeout: 2e7,
    signal: forEver,
  });
  expect(result).toMatchObject({ ExitCode: -1, Output: "Health check exceeded timeout (20ms): so far" });
  expect(killed()).toBe(true);
});

test("one that can't be started has failed", async () => {
  using fake = new FakeServices();
  const { container } = fake.container({ status: "running" });
  const start = async (): Promise<Probe> => {
    throw new Error("not found");
  };
  const result = await runProbe(fake.services, start, container, { timeout: 1e9, signal: forEver });
  expect(result).toMatchObject({ ExitCode: -1, Output: "not found" });
});
