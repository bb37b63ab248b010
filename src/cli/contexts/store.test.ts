import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkContextName, ContextStore, type StoredContext } from "./store.ts";

let folder: string;
let store: ContextStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-contexts-"));
  store = new ContextStore(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const context = (Name: string, Host = "tcp://a:2376"): StoredContext => ({
  Name,
  Metadata: { Description: "text" },
  Endpoints: { docker: { Host, SkipTLSVerify: false } },
});
const idOf = (name: string): string => createHash("sha256").update(name).digest("hex");

test("contexts lie where docker has them, and come back in the order of their names", () => {
  expect(store.all()).toEqual([]);
  store.write(context("b"), new Map());
  store.write(context("a"), new Map());
  expect(JSON.parse(readFileSync(join(folder, "contexts/meta", idOf("a"), "meta.json"), "utf8"))).toEqual(
    context("a"),
  );
  expect(store.all().map(({ Name }) => Name)).toEqual(["a", "b"]);
  expect([store.read("a"), store.has("a"), store.has("c")]).toEqual([context("a"), true, false]);
  expect(readdirSync(store.metadataPath("a"))).toEqual(["meta.json"]);
});

test("certificates are for their owner alone, and go with the context that had them", () => {
  const material = new Map([
    ["key.pem", Buffer.from("k")],
    ["ca.pem", Buffer.from("c")],
  ]);
  store.write(context("a"), material);
  const key = join(folder, "contexts/tls", idOf("a"), "docker/key.pem");
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect([...store.material("a").keys()]).toEqual(["ca.pem", "key.pem"]);
  store.write(context("a", "unix:///x"), new Map());
  expect([existsSync(key), store.material("a").size]).toEqual([false, 0]);
  expect(store.read("a").Endpoints.docker?.Host).toBe("unix:///x");
  store.write(context("a"), material);
  store.remove("a");
  expect([store.has("a"), existsSync(key)]).toEqual([false, false]);
  store.remove("a");
});

test("what isn't there, and what can't be read, in docker's words", () => {
  const path = join(store.metadataPath("x"), "meta.json");
  expect(() => store.read("x")).toThrow(
    `context "x": context not found: open ${path}: no such file or directory`,
  );
  store.write(context("x"), new Map());
  writeFileSync(path, "{");
  expect(() => store.all()).toThrow(`failed to read metadata: parsing ${path}: `);
  rmSync(path);
  expect(() => store.all()).toThrow(`failed to read metadata: open ${path}: no such file or directory`);
});

test("names", () => {
  for (const name of ["ab", "0_.+-", "A.b"]) expect(checkContextName(name)).toBeUndefined();
  expect(() => checkContextName("default")).toThrow('"default" is a reserved context name');
  for (const name of ["a", "", "-a", "a/b", "../x", "a b", "é1"])
    expect(() => checkContextName(name)).toThrow(
      `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`,
    );
});
