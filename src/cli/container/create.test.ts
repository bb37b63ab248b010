import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { runCommand, type Answers } from "../testing.ts";
import { create } from "./create.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-create-`);
afterAll(() => rmSync(directory, { recursive: true }));

const made = { status: 201, json: { Id: "id", Warnings: ["careful"] } };
const missing = { status: 404, json: { message: "No such image: busybox:latest" } };
const pulled = { text: '{"status":"Status: Downloaded"}\n' };
const answers: Answers = { "POST /containers/create": made, "POST /images/create": pulled };

test("prints the ID, and warnings beside it", async () => {
  const ran = await runCommand(
    create,
    ["--name", "web", "--platform", "linux/arm64", "busybox", "-x"],
    answers,
  );
  expect(ran).toMatchObject({
    code: 0,
    stdout: "id\n",
    stderr: "WARNING: careful\n",
    asked: ["POST /containers/create?name=web&platform=linux/arm64"],
  });
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({ Image: "busybox", Cmd: ["-x"] });
});

test("an image that isn't here is pulled, and the container made then", async () => {
  const ran = await runCommand(create, ["busybox"], {
    ...answers,
    "POST /containers/create": [missing, made],
  });
  expect(ran.asked).toEqual([
    "POST /containers/create",
    "POST /images/create?fromImage=busybox&tag=latest",
    "POST /containers/create",
  ]);
  expect(ran.stdout).toBe("id\n");
  expect(ran.stderr).toContain("Unable to find image 'busybox:latest' locally\nStatus: Downloaded\n");
});

test("--pull says when, --quiet hides it", async () => {
  const never = await runCommand(create, ["--pull", "never", "busybox"], {
    "POST /containers/create": missing,
  });
  expect(never).toMatchObject({
    problem: "Error response from daemon: No such image: busybox:latest",
    asked: ["POST /containers/create"],
  });
  const always = await runCommand(create, ["--pull=always", "-q", "busybox"], answers);
  expect(always.asked).toEqual([
    "POST /images/create?fromImage=busybox&tag=latest",
    "POST /containers/create",
  ]);
  expect(always.stderr).toBe("WARNING: careful\n");
  expect((await runCommand(create, ["--pull", "x", "busybox"])).problem).toContain(
    `invalid pull option: 'x': must be one of "always", "missing" or "never"`,
  );
});

test("--cidfile is written, never overwritten, and removed when no container came", async () => {
  const path = `${directory}/cid`;
  await runCommand(create, ["--cidfile", path, "busybox"], answers);
  expect(readFileSync(path, "utf8")).toBe("id");
  writeFileSync(path, "other");
  const refused = await runCommand(create, ["--cidfile", path, "busybox"], answers);
  expect(refused).toMatchObject({ asked: [] });
  expect(refused.problem).toContain("container ID file found");
  expect(readFileSync(path, "utf8")).toBe("other");
  const fresh = `${directory}/fresh`;
  const failed = { "POST /containers/create": { status: 409, json: { message: "taken" } } };
  expect((await runCommand(create, ["--cidfile", fresh, "busybox"], failed)).problem).toContain("taken");
  expect(existsSync(fresh)).toBe(false);
});

test("a reference that is none isn't sent", async () => {
  expect(await runCommand(create, ["Busybox"], answers)).toMatchObject({ asked: [] });
});
