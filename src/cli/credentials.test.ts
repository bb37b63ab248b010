import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { CredentialStore } from "./credentials.ts";

let directory: string;
let path: string | undefined;
beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/caisson-credentials-`);
  path = process.env["PATH"];
  process.env["PATH"] = `${directory}:${path ?? ""}`;
});
afterEach(() => {
  process.env["PATH"] = path;
  rmSync(directory, { recursive: true });
});

const store = (): CredentialStore => new CredentialStore({ DOCKER_CONFIG: directory });
const config = (): unknown => JSON.parse(readFileSync(`${directory}/config.json`, "utf8"));

/** A helper that notes what it is asked and answers `get` with `answer`. */
function helper(name: string, answer: string): () => string {
  const log = `${directory}/${name}.log`;
  const script = `#!/bin/sh\n{ printf '%s ' "$1"; cat; echo; } >>${log}\n[ "$1" = get ] || exit 0\n${answer}\n`;
  writeFileSync(`${directory}/docker-credential-${name}`, script);
  chmodSync(`${directory}/docker-credential-${name}`, 0o755);
  return () => readFileSync(log, "utf8");
}

test("what is kept is found again; the rest of the file stays; nobody else can read it", () => {
  writeFileSync(`${directory}/config.json`, JSON.stringify({ proxies: { a: 1 } }));
  store().store("r:5000", { username: "u", password: "a:b" });
  expect(config()).toEqual({ proxies: { a: 1 }, auths: { "r:5000": { auth: "dTphOmI=" } } });
  expect(statSync(`${directory}/config.json`).mode & 0o777).toBe(0o600);
  expect(store().get("r:5000")).toEqual({ username: "u", password: "a:b" });
  expect(store().get("other")).toBeUndefined();
  expect(store().inFile("r:5000")).toBe(true);
  store().erase(["r:5000", "https://r:5000"]);
  expect(config()).toEqual({ proxies: { a: 1 }, auths: {} });
});

test("an identity token takes the password's place", () => {
  store().store("r", { username: "u", password: "p", identitytoken: "t" });
  expect(store().get("r")).toEqual({ username: "u", password: "", identitytoken: "t" });
});

test("what older versions kept under a URL is found by its host", () => {
  writeFileSync(`${directory}/config.json`, JSON.stringify({ auths: { "https://r/v1/": { auth: "dTpw" } } }));
  expect(store().get("r")).toEqual({ username: "u", password: "p" });
});

test("helpers: one for all, another for one registry", () => {
  const all = helper("all", `echo '{"Username":"u","Secret":"p"}'`);
  const one = helper("one", `echo '{"Username":"<token>","Secret":"t"}'`);
  writeFileSync(
    `${directory}/config.json`,
    JSON.stringify({ credsStore: "all", credHelpers: { special: "one" } }),
  );
  expect(store().get("r")).toEqual({ username: "u", password: "p" });
  expect(store().get("special")).toEqual({ username: "", password: "", identitytoken: "t" });
  expect(store().inFile("r")).toBe(false);
  store().store("r", { username: "a", password: "b" });
  store().erase(["r"]);
  expect(all()).toBe('get r\nstore {"ServerURL":"r","Username":"a","Secret":"b"}\nerase r\n');
  expect(one()).toBe("get special\n");
});

test("a helper that has none has none; one that fails says why", () => {
  helper("none", "echo 'credentials not found in native keychain'; exit 1");
  writeFileSync(`${directory}/config.json`, JSON.stringify({ credsStore: "none" }));
  expect(store().get("r")).toBeUndefined();
  helper("bad", "echo locked; exit 1");
  writeFileSync(`${directory}/config.json`, JSON.stringify({ credsStore: "bad" }));
  expect(() => store().get("r")).toThrow("error getting credentials - err: exit status 1, out: `locked`");
  writeFileSync(`${directory}/config.json`, JSON.stringify({ credsStore: "../x" }));
  expect(() => store().get("r")).toThrow("invalid credential helper");
});
