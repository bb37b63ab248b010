/**
 * Contexts: the same files, output and exit codes as docker's, and engines that are reached by them: over ssh too.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Authority } from "../support/certificates.ts";
import { dockerPath, noDocker } from "../support/docker.ts";
import { caisson, ended, TestEngine, type Ended } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

const folder = mkdtempSync(join(tmpdir(), "caisson-contexts."));
const authority = new Authority(join(folder, "ca"));
const client = authority.sign("client", "clientAuth");
afterAll(() => rmSync(folder, { recursive: true }));

/** A command line with a folder of configuration, and of work, of its own. */
class Side {
  readonly home: string;
  readonly #program: string;

  constructor(name: string, program: string) {
    this.home = join(folder, name);
    this.#program = program;
    mkdirSync(this.home);
  }

  run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
    const { DOCKER_HOST: _, ...inherited } = process.env;
    const result = ended(
      spawnSync(this.#program, words, {
        cwd: this.home,
        env: { ...inherited, DOCKER_CONFIG: join(this.home, "config"), ...env },
      }),
    );
    const same = (text: string): string =>
      text
        .replaceAll(this.home, "HOME")
        .replaceAll("unix:///run/caisson/caisson.sock", "unix:///var/run/docker.sock")
        .replaceAll("caisson", "docker")
        .replaceAll(/ {2,}/g, "  ");
    return { code: result.code, stdout: same(result.stdout), stderr: same(result.stderr) };
  }

  /** Every file of the configuration with its content. */
  files(): Readonly<Record<string, string>> {
    const names = readdirSync(join(this.home, "config"), { recursive: true, withFileTypes: true });
    return Object.fromEntries(
      names
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .toSorted()
        .map((path) => [
          path.slice(this.home.length),
          readFileSync(path, "utf8").replaceAll(
            "unix:///run/caisson/caisson.sock",
            "unix:///var/run/docker.sock",
          ),
        ]),
    );
  }
}

const tls = `ca=${client}/ca.pem,cert=${client}/cert.pem,key=${client}/key.pem`;
const steps: readonly (readonly [words: string, env?: Record<string, string>])[] = [
  ["context show"],
  ["context ls"],
  ["context inspect"],
  ["context create aa"],
  ["context create a"],
  ["context create default"],
  ["context create bb --docker host=ssh://me@h --description the-b"],
  ["context create bb --docker host=ssh://me@h"],
  [`context create cc --docker host=tcp://h:2376,${tls}`],
  ["context create dd --docker foo=x"],
  ["context create dd --docker host=tcp://x,ca=/nope"],
  ["context create dd --docker host=tcp://x,skip-tls-verify=bla"],
  [`context create dd --docker host=tcp://x,ca=${client}/csr`],
  ["context create dd --docker host=tcp://x,skip-tls-verify=true"],
  ["context create ee --from cc"],
  ["context create ff --from default --description x"],
  ["context create hh --from nope"],
  ["context create hh --from cc --docker host=x"],
  ["context ls"],
  ["context ls -q"],
  ["context ls --format json"],
  ["context ls --format {{.Name}}|{{.Current}}|{{.DockerEndpoint}}"],
  ["context use bb"],
  ["context use nope"],
  ["context show"],
  ["context ls"],
  ["context ls", { DOCKER_HOST: "unix:///nope" }],
  ["context show", { DOCKER_HOST: "unix:///nope" }],
  ["context show", { DOCKER_CONTEXT: "cc" }],
  ["context use cc", { DOCKER_HOST: "unix:///nope" }],
  ["--context ee context show"],
  ["-c ee -H unix:///x ps"],
  ["-c nope ps"],
  ["context inspect cc bb"],
  ["context inspect nope cc"],
  ["context inspect -f {{.Name}}:{{.Endpoints.docker.Host}} cc bb"],
  ["context update ee --description y"],
  ["context update ee --docker host=tcp://y"],
  ["context update nope"],
  ["context inspect ee"],
  ["context export cc"],
  ["context export cc"],
  ["context export ee e.tar"],
  ["context import ii cc.dockercontext"],
  ["context import ii cc.dockercontext"],
  ["context import jj missing.tar"],
  ["context inspect ii"],
  ["context rm cc"],
  ["context rm nope ee"],
  ["context rm -f cc"],
  ["context rm default"],
  ["context use bb"],
  ["context use default"],
  ["context show"],
];

testUnless(noDocker)("says what docker says, and leaves the same files", () => {
  const [ours, theirs] = [new Side("ours", caisson), new Side("theirs", dockerPath ?? "")];
  for (const [words, env] of steps) {
    const [own, docker] = [ours, theirs].map((side) => side.run(words.split(" "), env));
    expect([words, env, own]).toEqual([words, env, docker]);
    if (readdirSync(theirs.home).includes("config"))
      expect([words, ours.files()]).toEqual([words, theirs.files()]);
  }
  // Each reads what the other has written.
  const copy = (from: Side, to: Side): void =>
    writeFileSync(join(to.home, "theirs.tar"), readFileSync(join(from.home, "cc.dockercontext")));
  copy(theirs, ours);
  copy(ours, theirs);
  for (const side of [ours, theirs])
    expect(side.run(["context", "import", "kk", "theirs.tar"])).toMatchObject({ code: 0, stdout: "kk\n" });
  expect(ours.files()).toEqual(theirs.files());
});

describe("engines", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start();
    await importBusybox(engine);
  });
  afterAll(async () => await engine[Symbol.asyncDispose]());

  /** A program that is called like ssh, and runs what it is told on this machine. */
  function fakeSsh(side: Side): Record<string, string> {
    const script = `#!/bin/sh
echo "$@" >>'${side.home}/ssh-log'
while [ "$1" != -- ]; do shift; done
host=$2; shift 2
[ "$host" = bad ] && { echo "ssh: Could not resolve hostname bad" >&2; exit 255; }
PATH='${dirname(caisson)}':$PATH exec sh -c "$*"
`;
    const path = join(side.home, "ssh");
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    return { PATH: `${side.home}:${process.env["PATH"] ?? ""}` };
  }

  test("a context's engine is the one that commands talk to", () => {
    const side = new Side("used", caisson);
    expect(side.run(["context", "create", "here", "--docker", `host=${engine.host}`]).code).toBe(0);
    expect(side.run(["-c", "here", "run", "--rm", "busybox", "echo", "hello"])).toMatchObject({
      stdout: "hello\n",
    });
    expect(side.run(["context", "use", "here"]).code).toBe(0);
    expect(side.run(["images", "-q"]).stdout).toMatch(/^[0-9a-f]{12}\n$/);
  });

  test("a copy keeps the certificates, which docker forgets with --docker from=", () => {
    const side = new Side("copies", caisson);
    expect(side.run(["context", "create", "first", "--docker", `host=tcp://h:2376,${tls}`]).code).toBe(0);
    expect(side.run(["context", "create", "second", "--docker", "from=first"]).code).toBe(0);
    expect(side.run(["context", "inspect", "-f", "{{.TLSMaterial.docker}}", "second"]).stdout).toBe(
      "[ca.pem cert.pem key.pem]\n",
    );
  });

  test("over ssh, with half-close and exit codes, as docker calls it", () => {
    const side = new Side("ssh", caisson);
    const env = fakeSsh(side);
    const host = `ssh://me@far:2222${engine.socket}`;
    expect(side.run(["context", "create", "far", "--docker", `host=${host}`]).code).toBe(0);
    expect(side.run(["-c", "far", "run", "--rm", "busybox", "echo", "hello"], env)).toMatchObject({
      code: 0,
      stdout: "hello\n",
    });
    const piped = `head -c 300000 /dev/zero | '${caisson}' -H ${host} run -i --rm busybox sh -c 'wc -c; exit 3'`;
    const result = spawnSync("sh", ["-c", piped], { env: { ...process.env, ...env } });
    expect([result.status, result.stdout.toString("utf8")]).toEqual([3, "300000\n"]);
    expect(readFileSync(join(side.home, "ssh-log"), "utf8")).toStartWith(
      `-o ConnectTimeout=30 -T -l me -p 2222 -- far caisson --host=unix://${engine.socket} system dial-stdio\n`,
    );
    const bad = side.run(["-H", "ssh://bad", "ps"], env);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain("has exited with exit status 255");
    expect(bad.stderr).toContain("stderr=ssh: Could not resolve hostname bad");
  });
});
