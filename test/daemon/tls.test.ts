/**
 * The API over TCP: TLS with certificates of clients, TLS alone, neither; by the real docker CLI and by caisson's own.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority } from "../support/certificates.ts";
import { dockerPath, noDocker } from "../support/docker.ts";
import { caisson, TestEngine, type Ended } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

const folder = mkdtempSync(join(tmpdir(), "caisson-tls."));
const authority = new Authority(join(folder, "ours"));
const server = authority.sign("server", "serverAuth");
const client = authority.sign("client", "clientAuth");
const stranger = new Authority(join(folder, "theirs")).sign("stranger", "clientAuth");
const certificate = [`--tlscert=${server}/cert.pem`, `--tlskey=${server}/key.pem`];

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line inside the engine's network namespace. */
function inside(
  engine: TestEngine,
  program: string,
  words: readonly string[],
  env: Record<string, string> = {},
): Ended {
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return engine.runInside("env", ["-u", "DOCKER_HOST", ...set, program, ...words]);
}

describe("with certificates of clients", () => {
  let engine: TestEngine;
  const host = "tcp://127.0.0.1:23761";
  const trusted = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: client };

  beforeAll(async () => {
    engine = await TestEngine.start(
      `--host=${host}`,
      "--tlsverify",
      `--tlscacert=${authority.certificate}`,
      ...certificate,
    );
    await importBusybox(engine);
  });
  afterAll(async () => await engine[Symbol.asyncDispose]());

  testUnless(noDocker)("docker runs, attaches and executes with half-close", () => {
    const docker = (words: readonly string[]): Ended => inside(engine, dockerPath ?? "", words, trusted);
    expect(docker(["run", "--rm", "busybox", "echo", "hello"])).toMatchObject({ code: 0, stdout: "hello\n" });
    // The input ends before the output begins.
    const piped = "head -c 300000 /dev/zero | " + `${dockerPath} run -i --rm busybox sh -c 'wc -c; exit 3'`;
    expect(inside(engine, "sh", ["-c", piped], trusted)).toMatchObject({ code: 3, stdout: "300000\n" });
    expect(docker(["run", "-d", "--name", "box", "busybox", "sleep", "1000"])).toMatchObject({ code: 0 });
    const executed = `head -c 300000 /dev/zero | ${dockerPath} exec -i box sh -c 'wc -c; exit 5'`;
    expect(inside(engine, "sh", ["-c", executed], trusted)).toMatchObject({ code: 5, stdout: "300000\n" });
    expect(docker(["rm", "-f", "box"]).code).toBe(0);
  });

  test("caisson's own command line does the same", () => {
    const piped = `head -c 300000 /dev/zero | ${caisson} run -i --rm busybox sh -c 'wc -c; exit 3'`;
    expect(inside(engine, "sh", ["-c", piped], trusted)).toMatchObject({ code: 3, stdout: "300000\n" });
    const flags = [
      "--tlsverify",
      `--tlscacert=${client}/ca.pem`,
      `--tlscert=${client}/cert.pem`,
      `--tlskey=${client}/key.pem`,
    ];
    expect(
      inside(engine, caisson, [...flags, "-H", host, "version", "--format", "{{.Server.Os}}"]),
    ).toMatchObject({
      code: 0,
      stdout: "linux\n",
    });
  });

  test("nobody else is heard", () => {
    const without = inside(engine, "curl", [
      "-sS",
      "--cacert",
      `${client}/ca.pem`,
      "https://127.0.0.1:23761/_ping",
    ]);
    expect([without.code === 0, without.stdout]).toEqual([false, ""]);
    expect(without.stderr).toContain("certificate required");
    const other = inside(engine, caisson, ["version"], { ...trusted, DOCKER_CERT_PATH: stranger });
    expect(other.code).not.toBe(0);
    const plain = inside(engine, "curl", ["-sS", "http://127.0.0.1:23761/_ping"]);
    expect([plain.code === 0, plain.stdout]).toEqual([false, ""]);
    expect(engine.log()).toMatch(/TLS handshake error from 127\.0\.0\.1:\d+: /);
    const known = [
      "--cacert",
      `${client}/ca.pem`,
      "--cert",
      `${client}/cert.pem`,
      "--key",
      `${client}/key.pem`,
    ];
    expect(inside(engine, "curl", ["-sS", ...known, "https://127.0.0.1:23761/_ping"]).stdout).toBe("OK");
  });
});

/** What an engine with these flags doesn't start for. */
async function refusal(...flags: readonly string[]): Promise<string> {
  return TestEngine.start(...flags).then(
    async (engine) => {
      await engine[Symbol.asyncDispose]();
      return "it starts";
    },
    (error: unknown) => String(error),
  );
}

test("TLS alone: whoever comes is served, and the log says so", async () => {
  await using engine = await TestEngine.start("--host=tcp://127.0.0.1:23762", "--tls", ...certificate);
  const known = ["-sS", "--cacert", authority.certificate];
  expect(inside(engine, "curl", [...known, "https://127.0.0.1:23762/_ping"]).stdout).toBe("OK");
  expect(engine.log()).toContain("Binding to IP address without --tlsverify is insecure");
  const environment = { DOCKER_HOST: "tcp://127.0.0.1:23762", DOCKER_TLS: "1", DOCKER_CERT_PATH: folder };
  expect(
    inside(engine, caisson, ["--tls", `--tlscacert=${authority.certificate}`, "version"], environment).code,
  ).toBe(0);
});

test("without TLS a TCP socket is refused, unless that is asked for by its name", async () => {
  expect(await refusal("--host=tcp://127.0.0.1:23763")).toContain(
    "without --tlsverify everybody who reaches this address is root on this machine",
  );
  await using engine = await TestEngine.start("--host=tcp://127.0.0.1:23763", "--insecure-tcp");
  expect(inside(engine, caisson, ["-H", "tcp://127.0.0.1:23763", "version"]).code).toBe(0);
});

test("a certificate that can't be read is said at start", async () => {
  expect(await refusal("--host=tcp://127.0.0.1:23764", "--tlsverify", "--tlscert=/nope")).toMatch(
    /invalid TLS configuration: could not load X509 key pair \(cert: \\?"\/nope\\?", key: .*open \/nope: no such file or directory/,
  );
});
