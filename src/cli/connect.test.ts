import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { connect, namedHost, tlsFiles } from "./connect.ts";
import { Flags } from "./flags.ts";

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
  expect(tlsFiles(flags(), {})).toBeUndefined();
  expect(tlsFiles(flags(), { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" })).toEqual({
    verify: true,
    ca: "/certs/ca.pem",
    cert: "/certs/cert.pem",
    key: "/certs/key.pem",
  });
  expect(tlsFiles(flags({ tls: ["true"], tlscacert: ["/ca"] }), { HOME: "/h" })).toMatchObject({
    verify: false,
    ca: "/ca",
    cert: "/h/.docker/cert.pem",
  });
});

test("contexts aren't kept", async () => {
  expect(await connect(flags({ context: ["other"] }), {}).then(() => "no error", messageOf)).toContain(
    'the context "other" is not supported',
  );
});
