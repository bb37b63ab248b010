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

test("contexts aren't kept", async () => {
  expect(await connect(flags({ context: ["other"] }), {}).then(() => "no error", messageOf)).toContain(
    'the context "other" is not supported',
  );
});
