/**
 * A kernel with AppArmor: containers start, and nothing is said to be confined that isn't.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { command, inspect, run, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noAppArmor } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

const check = testUnless(noAppArmor);

let engine: TestEngine;
beforeAll(async () => {
  if (noAppArmor !== undefined) return;
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => {
  if (noAppArmor === undefined) await engine[Symbol.asyncDispose]();
});

check("containers start, unconfined, and inspect and info say no more", async () => {
  const confinement = run(engine, [], ["cat", "/proc/self/attr/current"]);
  expect(confinement.stdout.trim()).toBe("unconfined");
  const id = start(engine, []);
  expect(await inspect(engine, id)).toMatchObject({ AppArmorProfile: "" });
  const info = (await engine.request("GET", "/info")).json<{ readonly SecurityOptions: readonly string[] }>();
  expect(info.SecurityOptions.filter((option) => option.startsWith("name=apparmor"))).toEqual([]);
});

check("a profile that is asked for is refused, unconfined is taken", () => {
  const refused = run(engine, ["--security-opt=apparmor=docker-default"], ["true"]);
  expect(refused.code).toBe(125);
  expect(refused.stderr).toContain("--security-opt apparmor=docker-default is not supported");
  expect(run(engine, ["--security-opt=apparmor=unconfined"], ["true"]).code).toBe(0);
  expect(command(engine, ["ps", "-q"]).stdout.trim().split("\n")).toHaveLength(1);
});
