/**
 * docker compose through a project's life: healthchecks that others wait for, exec, run, cp, logs, scale, restart, down;
 * logs that are followed to a service's last end; files that are watched.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compose, composePath, dockerEnvironment, noCompose } from "../../support/docker.ts";
import { TestEngine } from "../../support/engine.ts";
import { importBusybox } from "../../support/image.ts";
import { eventually } from "../../support/containers.ts";
import { testUnless } from "../../support/requires.ts";

let engine: TestEngine;
let folder: string;
beforeAll(async () => {
  if (noCompose !== undefined) return;
  engine = await TestEngine.start();
  await importBusybox(engine);
  folder = join(engine.directory, "project");
  mkdirSync(folder);
});
afterAll(async () => engine?.[Symbol.asyncDispose]());

function run(code: number, ...args: readonly string[]): string {
  const ended = compose(engine, folder, args);
  if (ended.code !== code)
    throw new Error(`compose ${args.join(" ")}: ${ended.code}: ${ended.stdout}${ended.stderr}`);
  return ended.stdout.trim();
}

const sleeper = { image: "busybox", command: ["sleep", "1000"], stop_signal: "SIGKILL", init: true };

testUnless(noCompose)(
  "a project's life",
  () => {
    writeFileSync(join(folder, "secret"), "hush");
    writeFileSync(
      join(folder, "compose.yaml"),
      JSON.stringify({
        name: "life",
        services: {
          database: {
            ...sleeper,
            command: ["sh", "-c", "sleep 0.5; touch /ready; exec sleep 1000"],
            healthcheck: { test: ["CMD", "test", "-e", "/ready"], interval: "200ms", retries: 50 },
            volumes: ["data:/data"],
            restart: "always",
          },
          job: {
            image: "busybox",
            command: ["sh", "-c", "echo migrated"],
            depends_on: { database: { condition: "service_healthy" } },
          },
          web: {
            ...sleeper,
            depends_on: {
              database: { condition: "service_healthy" },
              job: { condition: "service_completed_successfully" },
            },
            environment: { A: "b" },
            configs: [{ source: "settings", target: "/etc/settings" }],
            secrets: ["hush"],
          },
        },
        volumes: { data: {} },
        configs: { settings: { content: "answer=42" } },
        secrets: { hush: { file: "./secret" } },
      }),
    );
    expect(run(0, "config", "--services").split("\n").toSorted()).toEqual(["database", "job", "web"]);
    run(0, "up", "-d");
    expect(run(0, "ps", "--services", "--status", "running").split("\n").toSorted()).toEqual([
      "database",
      "web",
    ]);
    expect(run(0, "ps", "--format", "{{.Health}}", "database")).toBe("healthy");
    expect(run(0, "logs", "--no-log-prefix", "job")).toBe("migrated");
    expect(run(0, "exec", "-T", "web", "sh", "-c", "echo $A; cat /etc/settings /run/secrets/hush")).toBe(
      "b\nanswer=42hush",
    );
    expect(run(7, "exec", "-T", "web", "sh", "-c", "exit 7")).toBe("");
    expect(run(0, "run", "--rm", "-T", "--no-deps", "web", "echo", "once")).toBe("once");
    // Up again changes nothing.
    const before = run(0, "ps", "-q");
    run(0, "up", "-d");
    expect(run(0, "ps", "-q")).toBe(before);
    run(0, "cp", "compose.yaml", "web:/tmp/copied");
    run(0, "cp", "web:/tmp/copied", "back");
    expect(readFileSync(join(folder, "back"), "utf8")).toBe(
      readFileSync(join(folder, "compose.yaml"), "utf8"),
    );
    run(0, "restart", "-t", "0", "web");
    run(0, "up", "-d", "--scale", "web=3");
    expect(run(0, "ps", "-q", "web").split("\n")).toHaveLength(3);
    run(0, "pause", "web");
    run(0, "unpause", "web");
    expect(run(0, "top", "database")).toContain("sleep 1000");
    expect(run(0, "images", "-q").split("\n")).not.toEqual([]);
    run(0, "kill", "web");
    run(0, "up", "-d", "--force-recreate", "-t", "0", "web");
    run(0, "stop", "-t", "0");
    run(0, "start");
    run(0, "down", "-v", "-t", "0");
    expect(run(0, "ls", "-a", "-q")).toBe("");
  },
  240_000,
);

testUnless(noCompose)(
  "logs are followed until a service has ended for good",
  () => {
    const service = (command: string): object => ({ image: "busybox", command: ["sh", "-c", command] });
    writeFileSync(
      join(folder, "compose.yaml"),
      JSON.stringify({
        name: "followed",
        services: {
          counter: service("for i in 1 2 3; do echo line $$i; sleep 0.5; done"),
          stubborn: { ...service("sleep 1; echo again; exit 3"), restart: "on-failure:2" },
        },
      }),
    );
    run(0, "up", "-d");
    const lines = run(0, "logs", "-f", "--no-color").split("\n");
    const of = (service: string, text: string): string[] =>
      lines.filter((line) => line.includes(service) && line.includes(text));
    expect(of("counter", "line ").map((line) => line.at(-1))).toEqual(["1", "2", "3"]);
    expect(of("counter", "exited with code 0")).toHaveLength(1);
    expect(of("stubborn", "again")).toHaveLength(3);
    // Of its ends, only those are told that come once compose listens.
    expect(of("stubborn", "exited with code 3").at(-1)).not.toContain("restarting");
    run(0, "down", "-t", "0");
  },
  60_000,
);

testUnless(noCompose)(
  "watch brings what changes into the container, and takes away what is gone",
  async () => {
    const source = join(folder, "source");
    mkdirSync(source);
    writeFileSync(join(source, "kept"), "old");
    writeFileSync(join(source, "doomed"), "old");
    const watch = [{ action: "sync", path: "./source", target: "/srv" }];
    writeFileSync(
      join(folder, "compose.yaml"),
      JSON.stringify({ name: "watched", services: { web: { ...sleeper, develop: { watch } } } }),
    );
    run(0, "up", "-d");
    const watching = spawn(composePath ?? "", ["watch", "--no-up"], {
      cwd: folder,
      env: dockerEnvironment(engine),
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      let said = "";
      for (const stream of [watching.stdout, watching.stderr])
        stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
      await eventually("watch is on", () => (said.includes("Watch enabled") ? true : undefined));
      writeFileSync(join(source, "kept"), "new");
      mkdirSync(join(source, "folder"));
      writeFileSync(join(source, "folder/deep"), "deep");
      rmSync(join(source, "doomed"));
      const look = [
        "exec",
        "-T",
        "web",
        "sh",
        "-c",
        "cd /srv && find . -type f -exec grep -H '' {} + | sort",
      ];
      const expected = "./folder/deep:deep\n./kept:new";
      expect(
        await eventually("all is brought over", () => {
          const { stdout } = compose(engine, folder, look);
          return stdout.trim() === expected ? expected : undefined;
        }),
      ).toBe(expected);
    } finally {
      watching.kill("SIGINT");
      if (watching.exitCode === null && watching.signalCode === null) await once(watching, "exit");
    }
    run(0, "down", "-t", "0");
  },
  60_000,
);
