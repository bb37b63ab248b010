import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tlsOptions } from "./daemon-tls.ts";
import { Flags } from "./flags.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-tls-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function options(
  flags: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = { DOCKER_CERT_PATH: folder },
): unknown {
  return tlsOptions(new Flags(new Map(Object.entries(flags).map(([name, value]) => [name, [value]]))), env);
}

function have(...names: readonly string[]): void {
  for (const name of names) writeFileSync(join(folder, name), "x");
}

test("without --tls or --tlsverify there is none", () => {
  expect(options({})).toBeUndefined();
  expect(options({ tls: "false", tlscert: "/x" })).toBeUndefined();
});

test("docker's usual files, and those that are named", () => {
  have("cert.pem", "key.pem", "ca.pem", "other");
  const usual = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  expect(options({ tls: "true" })).toEqual(usual);
  expect(options({ tlsverify: "true" })).toEqual({ ...usual, clientCa: join(folder, "ca.pem") });
  // Even false it turns TLS on, as in dockerd.
  expect(options({ tlsverify: "false" })).toEqual(usual);
  expect(options({ tls: "1", tlscert: join(folder, "other") })).toEqual({
    ...usual,
    cert: join(folder, "other"),
  });
  mkdirSync(join(folder, ".docker"));
  writeFileSync(join(folder, ".docker/cert.pem"), "x");
  expect(options({ tls: "true", tlskey: join(folder, "key.pem") }, { HOME: folder })).toEqual({
    cert: join(folder, ".docker/cert.pem"),
    key: join(folder, "key.pem"),
  });
});

test("what is missing is named as dockerd names it", () => {
  have("cert.pem");
  expect(() => options({ tls: "true" })).toThrow(
    `invalid TLS configuration: could not load X509 key pair (cert: "${folder}/cert.pem", key: ""): open : no such file or directory`,
  );
  have("key.pem");
  expect(() => options({ tlsverify: "1", tlscacert: "/nosuch/ca" })).toThrow(
    'invalid TLS configuration: could not read CA certificate "/nosuch/ca": open /nosuch/ca: no such file or directory',
  );
});
