import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { registryAuth } from "./registry-auth.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-registry-auth-`);
afterAll(() => rmSync(directory, { recursive: true }));

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function keep(config: unknown): NodeJS.ProcessEnv {
  writeFileSync(`${directory}/config.json`, typeof config === "string" ? config : JSON.stringify(config));
  return { DOCKER_CONFIG: directory };
}

function sent(registry: string, env: NodeJS.ProcessEnv): unknown {
  const auth = registryAuth(registry, env);
  return auth === undefined ? undefined : JSON.parse(Buffer.from(auth, "base64url").toString());
}

test("a registry's credentials; a password may hold colons", () => {
  const env = keep({ auths: { "ghcr.io": { auth: base64("me:a:b") } } });
  expect(sent("ghcr.io", env)).toEqual({ username: "me", password: "a:b", serveraddress: "ghcr.io" });
  expect(sent("quay.io", env)).toBeUndefined();
});

test("Docker Hub's stand under its old address", () => {
  const env = keep({ auths: { "https://index.docker.io/v1/": { auth: base64("me:x") } } });
  expect(sent("docker.io", env)).toMatchObject({
    username: "me",
    serveraddress: "https://index.docker.io/v1/",
  });
});

test("the file is the home's unless DOCKER_CONFIG names another", () => {
  mkdirSync(`${directory}/.docker`);
  writeFileSync(
    `${directory}/.docker/config.json`,
    JSON.stringify({ auths: { r: { auth: base64("home:x") } } }),
  );
  expect(sent("r", { HOME: directory })).toMatchObject({ username: "home" });
});

test.each([
  ["no JSON"],
  [{ auths: { r: {} } }],
  [{ auths: { r: { auth: "" } } }],
  [{ auths: { r: { auth: base64("without a colon") } } }],
  [{ auths: null }],
  [{ credsStore: "desktop" }],
])("%p holds none: the pull is anonymous", (config) => {
  expect(registryAuth("r", keep(config))).toBeUndefined();
});

test("no file is none either", () => {
  expect(registryAuth("r", { DOCKER_CONFIG: `${directory}/none` })).toBeUndefined();
});
