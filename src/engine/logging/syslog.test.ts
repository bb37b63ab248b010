import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { hostname } from "node:os";
import { exampleRecord } from "../testing.ts";
import type { LogLine, SinkHost } from "./remote.ts";
import { syslog } from "./syslog.ts";

const record = exampleRecord({});
const info = { record, name: "web" };
const id = record.id.slice(0, 12);
/** 2026-01-02T03:04:05.678901234Z */
const time = 1_767_323_045_678_901_234n;
const noHost: SinkHost = {
  session: () => {
    throw new RangeError("not needed");
  },
  has: async () => true,
  read: async () => new Uint8Array(),
};

const zone = process.env["TZ"];
beforeAll(() => {
  process.env["TZ"] = "UTC";
});
afterAll(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

function message(options: Readonly<Record<string, string>>, line: Partial<LogLine> = {}): string {
  const remote = syslog.open(info, { "syslog-address": "udp://127.0.0.1:1", ...options });
  return String(remote.encode({ stream: "stdout", text: Buffer.from("hello"), time, ...line }));
}

describe("formats", () => {
  const pid = process.pid;
  const host = hostname();
  test.each([
    ["", `<30>Jan  2 03:04:05 ${id}[${pid}]: hello\n`],
    ["rfc3164", `<30>Jan  2 03:04:05 ${host} ${id}[${pid}]: hello\n`],
    ["rfc5424", `<30>1 2026-01-02T03:04:05Z ${host} ${id} ${pid} ${id} - hello\n`],
    ["rfc5424micro", `<30>1 2026-01-02T03:04:05.678901Z ${host} ${id} ${pid} ${id} - hello\n`],
  ])("%p", (format, expected) => {
    expect(message({ "syslog-format": format })).toBe(expected);
  });

  test("a tag, and a day of two digits", () => {
    const later = time + 10n * 86_400_000_000_000n;
    expect(message({ tag: "{{.Name}}/x" }, { time: later })).toBe(
      `<30>Jan 12 03:04:05 web/x[${pid}]: hello\n`,
    );
    expect(message({ tag: "{{.Name}}/x" })).toStartWith("<30>Jan  2 ");
  });
});

test("the priority is the facility times 8 and the severity (RFC 5424, section 6.2.1)", () => {
  const of = (facility: string, stream: "stdout" | "stderr"): string | undefined =>
    /^<\d+>/.exec(message({ "syslog-facility": facility }, { stream }))?.[0];
  expect(of("kern", "stdout")).toBe("<6>");
  expect(of("kern", "stderr")).toBe("<3>");
  expect(of("ftp", "stderr")).toBe("<91>");
  expect(of("local0", "stdout")).toBe("<134>");
  expect(of("local7", "stderr")).toBe("<187>");
  expect(of("13", "stdout")).toBe("<110>");
  for (const facility of ["24", "-1", "-", "Local0", "1.5"])
    expect(() => syslog.check({ "syslog-facility": facility })).toThrow("invalid syslog facility");
});

test("over TLS a message of RFC 5424 has its length in bytes before it (RFC 5425)", () => {
  const over = { "syslog-address": "tcp+tls://127.0.0.1:1" };
  const text = { text: Buffer.from("hé") };
  const sent = message({ ...over, "syslog-format": "rfc5424" }, text);
  const [, length = "", rest = ""] = /^(\d+) (.*)$/s.exec(sent) ?? [];
  expect(rest).toStartWith("<30>1 ");
  expect(Number(length)).toBe(Buffer.byteLength(rest));
  expect(message({ ...over, "syslog-format": "rfc3164" }, text)).toStartWith("<30>");
});

test("over UDP a message is a datagram", async () => {
  const socket = createSocket("udp4");
  const got = new Promise<string>((resolve) => socket.once("message", (bytes) => resolve(String(bytes))));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const remote = syslog.open(info, { "syslog-address": `udp://127.0.0.1:${socket.address().port}` });
  const sink = await remote.connect(noHost);
  await sink.send([Buffer.from("<30>x\n")]);
  expect(await got).toBe("<30>x\n");
  sink.close();
  socket.close();
});

test("a port that is none is told of at the start, as by dockerd", async () => {
  for (const [address, network] of [
    ["tcp://127.0.0.1:70000", "tcp"],
    ["udp://127.0.0.1:70000", "udp"],
  ] as const) {
    const remote = syslog.open(info, { "syslog-address": address });
    expect(remote.connect(noHost)).rejects.toThrow(`dial ${network}: address 70000: invalid port`);
  }
});
