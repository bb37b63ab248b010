/**
 * daemon.json, and SIGHUP: what counts at once, what counts later, what is refused.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

const folder = mkdtempSync(join(tmpdir(), "caisson-reload."));
const path = join(folder, "daemon.json");
const write = (config: object | string): void =>
  writeFileSync(path, typeof config === "string" ? config : JSON.stringify(config));

let engine: TestEngine;
beforeAll(async () => {
  write({
    labels: ["where=here"],
    "no-new-privileges": true,
    "default-ulimits": { nofile: { Name: "nofile", Soft: 123, Hard: 456 } },
    "default-ipc-mode": "shareable",
    proxies: { "http-proxy": "http://user:secret@127.0.0.1:1", "no-proxy": "localhost" },
  });
  engine = await TestEngine.start(`--config-file=${path}`);
  await importBusybox(engine);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Info {
  readonly Debug: boolean;
  readonly Labels: readonly string[];
  readonly HttpProxy: string;
  readonly NoProxy: string;
  readonly SecurityOptions: readonly string[];
  readonly RegistryConfig: {
    readonly Mirrors: readonly string[];
    readonly InsecureRegistryCIDRs: readonly string[];
  };
}
const info = async (): Promise<Info> => (await engine.request("GET", "/info")).json<Info>();

/** Sends SIGHUP and waits for what is said about it. */
async function reload(said: string): Promise<void> {
  const before = engine.log().length;
  process.kill(engine.pid, "SIGHUP");
  await eventually(said, () => engine.log().slice(before).includes(said));
}

test("what the file says counts", async () => {
  expect(await info()).toMatchObject({
    Labels: ["where=here"],
    HttpProxy: "http://xxxxx:xxxxx@127.0.0.1:1",
    NoProxy: "localhost",
    SecurityOptions: expect.arrayContaining(["name=no-new-privileges"]),
  });
  const script = "ulimit -Sn; ulimit -Hn; grep NoNewPrivs /proc/self/status";
  expect(engine.caisson(["run", "--rm", "busybox", "sh", "-c", script])).toMatchObject({
    code: 0,
    stdout: "123\n456\nNoNewPrivs:\t1\n",
  });
  expect(engine.caisson(["create", "--name", "ipc", "busybox"]).code).toBe(0);
  expect(engine.caisson(["inspect", "-f", "{{.HostConfig.IpcMode}}", "ipc"]).stdout).toBe("shareable\n");
});

test("SIGHUP makes what may change count, tells so, and says what waits for a restart", async () => {
  const since = Math.floor(Date.now() / 1000);
  write({
    debug: true,
    labels: ["where=there"],
    "default-shm-size": "32M",
    "registry-mirrors": ["https://mirror.example"],
    "insecure-registries": ["10.0.0.0/8"],
    "max-concurrent-downloads": 7,
    "log-driver": "none",
  });
  await reload("Reloaded configuration");
  expect(await info()).toMatchObject({
    Debug: true,
    Labels: ["where=there"],
    RegistryConfig: {
      Mirrors: ["https://mirror.example/"],
      InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", "10.0.0.0/8"],
    },
  });
  expect(engine.log()).toMatch(/these changes count after a restart" options="[^"]*logDriver/);
  const run = engine.caisson(["run", "--rm", "busybox", "df", "-k", "/dev/shm"]);
  expect(run.stdout).toMatch(/^shm +32768 /m);
  const until = Math.floor(Date.now() / 1000) + 1;
  const told = (
    await engine.request("GET", `/events?since=${since}&until=${until}&filters={"type":["daemon"]}`)
  ).body
    .toString("utf8")
    .trim();
  expect(JSON.parse(told)).toMatchObject({
    Type: "daemon",
    Action: "reload",
    Actor: {
      Attributes: {
        debug: "true",
        "default-shm-size": String(32 << 20),
        labels: '["where=there"]',
        "live-restore": "true",
        "max-concurrent-downloads": "7",
        "registry-mirrors": '["https://mirror.example/"]',
        "shutdown-timeout": "15",
      },
    },
  });
});

test.each([
  [
    '{"debug": false, "labels": ["where=nowhere"], "nonsense": 1}',
    "don't match any configuration option: nonsense",
  ],
  ['{"debug": false', "unexpected end of JSON input"],
  ['{"debug": false, "max-download-attempts": -1}', "invalid max download attempts: -1"],
  ['{"debug": false, "userns-remap": "default"}', "userns-remap is nothing that caisson could be told"],
])("a wrong file changes nothing: %s", async (content, said) => {
  write(content);
  await reload(said);
  expect(await info()).toMatchObject({ Debug: true, Labels: ["where=there"] });
});

test("a wrong file, or a key that is a flag too, keeps an engine from starting", async () => {
  write({ hosts: ["unix:///nowhere"] });
  const both = await TestEngine.start(`--config-file=${path}`).then(
    () => "started",
    (error: unknown) => String(error),
  );
  expect(both).toContain(
    "specified both as a flag and in the configuration file: hosts: (from flag: [unix://",
  );
});
