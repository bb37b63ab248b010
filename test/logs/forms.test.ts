/**
 * The drivers that send logs to servers: what arrives, and what `logs` says.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Executor, int, ProgramBuilder, struct } from "../../src/kernel/mod.ts";
import { binary } from "../native/programs.ts";
import { command, eventually, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { LogServer, type FluentdMessage } from "./servers.ts";

let engine: TestEngine;
let scratch: string;
let count = 0;

beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  await importBusybox(engine);
  scratch = mkdtempSync(join(engine.directory, "servers-"));
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const fresh = (): string => join(scratch, `got-${count++}`);
const script = ["sh", "-c", "echo one; echo two >&2; sleep 0.1; printf three"];
const flagsOf = (driver: string, options: Readonly<Record<string, string>>): string[] => [
  `--log-driver=${driver}`,
  ...Object.entries(options).map(([name, value]) => `--log-opt=${name}=${value}`),
];

/** What a server got, once it is `wanted` messages. */
async function arrived<T>(server: LogServer, wanted: number): Promise<T[]> {
  return eventually(`${wanted} messages`, () => {
    const got = server.got<T>();
    return got.length >= wanted ? got : undefined;
  });
}

const host = hostname();
const stamp = String.raw`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`;
const iso = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`;

test.each([
  ["udp", {}, `<30>${stamp} ID\\[\\d+\\]: one`],
  [
    "stream",
    { "syslog-format": "rfc3164", "syslog-facility": "local3" },
    `<158>${stamp} ${host} ID\\[\\d+\\]: one`,
  ],
  ["stream", { "syslog-format": "rfc5424", tag: "{{.Name}}" }, `<30>1 ${iso}\\S+ ${host} web \\d+ web - one`],
  ["tls", { "syslog-format": "rfc5424micro" }, `\\d+ <30>1 ${iso}\\.\\d{6}\\S+ ${host} ID \\d+ ID - one`],
  ["unix", {}, `<30>${stamp} ID\\[\\d+\\]: one`],
] as [string, Record<string, string>, string][])("syslog by %s %j", async (kind, options, form) => {
  if (kind === "tls")
    spawnSync("openssl", [
      ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1".split(
        " ",
      ),
      "-keyout",
      `${scratch}/key.pem`,
      "-out",
      `${scratch}/cert.pem`,
    ]);
  const port = 1600 + count;
  const where = kind === "unix" ? join(scratch, "syslog.sock") : port;
  const server = kind === "unix" ? "stream" : (kind as "udp" | "stream" | "tls");
  using syslog = await LogServer.start(engine, fresh(), server, where, scratch);
  const scheme = { udp: "udp", stream: "tcp", tls: "tcp+tls", unix: "unix" }[kind];
  const address = kind === "unix" ? `unix://${where}` : `${scheme}://127.0.0.1:${port}`;
  const trust: Record<string, string> = kind === "tls" ? { "syslog-tls-ca-cert": `${scratch}/cert.pem` } : {};
  const id = start(
    engine,
    ["--name=web", ...flagsOf("syslog", { "syslog-address": address, ...options, ...trust })],
    script,
  );
  const texts = (await arrived<string>(syslog, 3)).map((text) =>
    (kind === "udp" ? Buffer.from(text, "base64").toString() : text).trimEnd(),
  );
  expect(texts.find((text) => text.endsWith("one"))).toMatch(
    new RegExp(`^${form.replaceAll("ID", id.slice(0, 12))}$`),
  );
  const priority = form.includes("158") ? "<155>" : "<27>";
  expect(texts.find((text) => text.endsWith("two"))).toContain(priority);
  expect(texts.at(-1)).toEndWith("three");
  expect(must(engine, ["logs", id]).split("\n").toSorted()).toEqual(["one", "three"]);
});

test("a container whose server can't be reached isn't started", () => {
  const flags = flagsOf("syslog", { "syslog-address": "tcp://127.0.0.1:1" });
  const refused = command(engine, ["run", "--rm", "--net=none", ...flags, "busybox", "true"]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(
    "failed to create task for container: failed to initialize logging driver: dial tcp 127.0.0.1:1: connect: connection refused",
  );
});

test("syslog by datagrams of a unix socket", async () => {
  using receiver = new Receiver(join(scratch, "log.sock"));
  await receiver.bind();
  const id = start(engine, flagsOf("syslog", { "syslog-address": `unixgram://${receiver.path}` }), [
    "echo",
    "hi",
  ]);
  expect(await receiver.next()).toMatch(new RegExp(`^<30>${stamp} ${id.slice(0, 12)}\\[\\d+\\]: hi\n$`));
});

test("a receiver of datagrams that is busy holds nobody up, and gets everything in the end", async () => {
  using receiver = new Receiver(join(scratch, "busy.sock"));
  await receiver.bind();
  const id = start(engine, flagsOf("syslog", { "syslog-address": `unixgram://${receiver.path}` }), [
    "seq",
    "1",
    "600",
  ]);
  must(engine, ["wait", id]);
  const begun = performance.now();
  must(engine, ["start", id]);
  must(engine, ["wait", id]);
  expect(performance.now() - begun).toBeLessThan(5000);
  const got: number[] = [];
  while (got.filter((number) => number === 600).length < 2)
    got.push(Number((await receiver.next()).split("]: ")[1]));
  for (const number of [1, 300, 600])
    expect(got.filter((one) => one === number).length).toBeGreaterThanOrEqual(2);
}, 60_000);

test("journald: fields of the native protocol; without a journal the container isn't started", async () => {
  const journal = join(scratch, "journal");
  mkdirSync(journal);
  const inside = `mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind ${journal} /run/systemd/journal`;
  expect(engine.runInside("sh", ["-c", inside]).code).toBe(0);
  const flags = ["--label=a.b=c", ...flagsOf("journald", { tag: "web", labels: "a.b" })];
  const refused = command(engine, ["run", "--rm", "--net=none", ...flags, "busybox", "true"]);
  expect(refused.stderr).toContain(
    "failed to initialize logging driver: journald is not enabled on this host",
  );
  using receiver = new Receiver(join(journal, "socket"));
  await receiver.bind();
  const id = start(engine, flags, ["sh", "-c", "echo hi >&2"]);
  const fields = await receiver.next();
  expect(fields.split("\n")).toEqual(
    expect.arrayContaining([
      "PRIORITY=3",
      "MESSAGE=hi",
      "CONTAINER_TAG=web",
      "A_B=c",
      `CONTAINER_ID_FULL=${id}`,
    ]),
  );
  expect(command(engine, ["logs", id]).stderr).toBe("hi\n");
});

test("fluentd: tag, time, fields", async () => {
  const where = join(scratch, "fluent.sock");
  using server = await LogServer.start(engine, fresh(), "fluentd", where, "ack");
  const options = {
    "fluentd-address": `unix://${where}`,
    "fluentd-sub-second-precision": "true",
    tag: "docker.{{.Name}}",
    env: "COLOUR",
  };
  const long = `printf '%020000d\\n' 7`;
  const id = start(
    engine,
    ["--name=web", "--env=COLOUR=red", ...flagsOf("fluentd", options)],
    ["sh", "-c", `echo one; echo two >&2; sleep 0.1; ${long}`],
  );
  const got = await arrived<FluentdMessage>(server, 4);
  expect(got.map(([tag]) => tag)).toEqual(Array.from({ length: 4 }, () => "docker.web"));
  expect(got.find(([, , record]) => record["log"] === "one")).toEqual([
    "docker.web",
    { type: 0, seconds: expect.any(Number), nanoseconds: expect.any(Number) },
    { container_id: id, container_name: "/web", source: "stdout", log: "one", COLOUR: "red" },
    expect.any(Object),
  ]);
  expect(got.find(([, , record]) => record["log"] === "two")?.[2]["source"]).toBe("stderr");
  const pieces = got.map(([, , record]) => record).filter((record) => record["partial_message"] === "true");
  expect(
    pieces.map((record) => [record["partial_ordinal"], record["partial_last"], record["log"]?.length]),
  ).toEqual([
    ["1", "false", 16_384],
    ["2", "true", 20_000 - 16_384],
  ]);
  expect(new Set(pieces.map((record) => record["partial_id"])).size).toBe(1);
  expect(must(engine, ["logs", id]).split("\n").at(-1)).toHaveLength(20_000);
});

test("fluentd that never acknowledges gets everything all the same", async () => {
  using server = await LogServer.start(engine, fresh(), "fluentd", 24_224);
  start(engine, flagsOf("fluentd", {}), ["sh", "-c", "echo one; sleep 0.5; echo two; sleep 0.5; echo three"]);
  const got = await arrived<FluentdMessage>(server, 3);
  expect(got.map(([, time, record]) => [typeof time, record["log"]])).toEqual([
    ["number", "one"],
    ["number", "two"],
    ["number", "three"],
  ]);
});

test("gelf by UDP: compressed, and in chunks when it is long", async () => {
  using server = await LogServer.start(engine, fresh(), "udp", 12_201);
  const options = { "gelf-address": "udp://127.0.0.1:12201", labels: "role", tag: "t" };
  const noise = "head -c 9000 /dev/urandom | base64 | tr -d '\\n'; echo";
  const id = start(
    engine,
    ["--name=web", "--label=role=db", ...flagsOf("gelf", options)],
    ["sh", "-c", `echo one >&2; sleep 0.2; ${noise}`],
  );
  const datagrams = (await arrived<string>(server, 8)).map((text) => Buffer.from(text, "base64"));
  const [first = Buffer.alloc(0), ...chunks] = datagrams;
  expect(JSON.parse(gunzipSync(first).toString())).toEqual({
    version: "1.1",
    host,
    short_message: "one",
    timestamp: expect.any(Number),
    level: 3,
    _command: expect.stringContaining("sh -c echo one"),
    _container_id: id,
    _container_name: "web",
    _created: expect.any(String),
    _image_id: expect.stringContaining("sha256:"),
    _image_name: "busybox",
    _tag: "t",
    _role: "db",
  });
  expect(chunks.every((chunk) => chunk.length <= 1420 && chunk[0] === 0x1e && chunk[1] === 0x0f)).toBe(true);
  expect(chunks[0]?.[11]).toBe(chunks.length);
  const whole = Buffer.concat(
    chunks.toSorted((a, b) => (a[10] ?? 0) - (b[10] ?? 0)).map((chunk) => chunk.subarray(12)),
  );
  const message = JSON.parse(gunzipSync(whole).toString()) as { short_message: string; level: number };
  expect([message.level, message.short_message]).toEqual([6, must(engine, ["logs", "--tail", "1", id])]);
});

test("gelf by TCP: each message ends with a NUL", async () => {
  using server = await LogServer.start(engine, fresh(), "stream", 12_202);
  // Graylog refuses a message without text.
  start(engine, flagsOf("gelf", { "gelf-address": "tcp://127.0.0.1:12202" }), [
    "sh",
    "-c",
    "echo; echo one; echo two >&2; sleep 0.1; printf three",
  ]);
  const got = (await arrived<string>(server, 3)).map((text) => JSON.parse(text) as { short_message: string });
  expect(got.map(({ short_message }) => short_message).toSorted()).toEqual(["one", "three", "two"]);
});

test("with cache-disabled there is nothing to read", async () => {
  using server = await LogServer.start(engine, fresh(), "udp", 1599);
  const id = start(
    engine,
    flagsOf("syslog", { "syslog-address": "udp://127.0.0.1:1599", "cache-disabled": "true" }),
    ["echo", "hi"],
  );
  await arrived(server, 1);
  const { code, stderr } = command(engine, ["logs", id]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("configured logging driver does not support reading"),
  ]);
});

/** A socket that takes datagrams, held by an executor. */
class Receiver implements Disposable {
  readonly path: string;
  readonly #executor = Executor.start(binary);

  constructor(path: string) {
    this.path = path;
  }

  async bind(): Promise<void> {
    const address = Buffer.alloc(2 + this.path.length + 1);
    address.writeUInt16LE(1, 0);
    address.write(this.path, 2);
    const b = new ProgramBuilder();
    const slot = b.slot("socket");
    b.call("socket", "socket", [int(1), int(2), 0], { into: slot });
    b.call("bind", "bind", [slot, struct(address, this.path), address.length]);
    await this.#executor.run(b.build());
  }

  async next(): Promise<string> {
    const b = new ProgramBuilder();
    const slot = b.slot("socket");
    const out = b.out(65_536);
    const received = b.call("receive", "recvfrom", [slot, out, 65_536, 0, 0, 0]);
    const outcome = await this.#executor.run(b.build());
    return Buffer.from(outcome.bytesOf(out).subarray(0, outcome.valueOf(received))).toString();
  }

  [Symbol.dispose](): void {
    this.#executor.close();
  }
}
