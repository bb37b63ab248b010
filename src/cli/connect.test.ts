import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { messageOf } from "../errors/mod.ts";
import { connect, namedHost, tlsFiles } from "./connect.ts";
import { Flags } from "./flags.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-connect-`);
afterAll(() => rmSync(directory, { recursive: true }));

const flags = (values: Record<string, readonly string[]> = {}): Flags =>
  new Flags(new Map(Object.entries(values)));

test("the flag wins over CAISSON_HOST, that over DOCKER_HOST; an empty one names none", () => {
  const env = { CAISSON_HOST: "unix:///c", DOCKER_HOST: "unix:///d" };
  expect(namedHost(flags({ host: ["unix:///h"] }), env)).toBe("unix:///h");
  expect(namedHost(flags(), env)).toBe("unix:///c");
  expect(namedHost(flags(), { DOCKER_HOST: "unix:///d" })).toBe("unix:///d");
  expect(namedHost(flags(), { DOCKER_HOST: "" })).toBeUndefined();
  expect(() => namedHost(flags({ host: ["a", "b"] }), {})).toThrow("specify only one -H");
});

test("TLS is asked for by flags or by docker's variables", () => {
  for (const name of ["ca.pem", "cert.pem", "key.pem"]) writeFileSync(`${directory}/${name}`, "");
  mkdirSync(`${directory}/.docker`);
  expect(tlsFiles(flags(), {})).toBeUndefined();
  expect(tlsFiles(flags(), { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: directory })).toEqual({
    verify: true,
    ca: `${directory}/ca.pem`,
    cert: `${directory}/cert.pem`,
    key: `${directory}/key.pem`,
  });
  expect(tlsFiles(flags({ tls: ["true"], tlscacert: [`${directory}/ca.pem`] }), { HOME: directory })).toEqual(
    {
      verify: false,
      ca: `${directory}/ca.pem`,
    },
  );
  expect(() => tlsFiles(flags({ tls: ["true"] }), { HOME: directory })).toThrow(
    `open ${directory}/.docker/ca.pem: no such file or directory`,
  );
});

test("a context that isn't there is said so, in docker's words", async () => {
  const env = { DOCKER_CONFIG: directory };
  expect(await connect(flags({ context: ["other"] }), env).then(() => "no error", messageOf)).toMatch(
    /^Failed to initialize: unable to resolve docker endpoint: context "other": context not found: open .*meta\.json: no such file or directory$/,
  );
  expect(await connect(flags({ context: ["a"], host: ["unix:///x"] }), env).then(() => "", messageOf)).toBe(
    "conflicting options: cannot specify both --host and --context",
  );
});
