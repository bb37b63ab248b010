import { expect, test } from "bun:test";
import { parseHost } from "./endpoint.ts";

const tls = { verify: true };

test.each([
  ["unix:///run/x.sock", { kind: "unix", host: "unix:///run/x.sock", path: "/run/x.sock" }],
  ["/run/x.sock", { kind: "unix", host: "unix:///run/x.sock", path: "/run/x.sock" }],
  ["unix://", { kind: "unix", host: "unix://", path: "/var/run/docker.sock" }],
  ["tcp://a:1", { kind: "tcp", host: "tcp://a:1", hostname: "a", port: 1 }],
  ["tcp://a", { kind: "tcp", host: "tcp://a:2375", hostname: "a", port: 2375 }],
  ["a:1", { kind: "tcp", host: "tcp://a:1", hostname: "a", port: 1 }],
  ["tcp://", { kind: "tcp", host: "tcp://127.0.0.1:2375", hostname: "127.0.0.1", port: 2375 }],
  ["tcp://[::1]:5", { kind: "tcp", host: "tcp://[::1]:5", hostname: "::1", port: 5 }],
])("%p", (host, endpoint) => {
  expect(parseHost(host)).toEqual(endpoint as ReturnType<typeof parseHost>);
});

test("TLS has a port of its own", () => {
  expect(parseHost("tcp://a", tls)).toMatchObject({ port: 2376, tls });
});

test("a host that ssh reaches", () => {
  expect(parseHost("ssh://me@host")).toMatchObject({ kind: "command", host: "ssh://me@host" });
});

test.each(["npipe://x", "tcp://a:b", "tcp://a:99999"])("%p is refused", (host) => {
  expect(() => parseHost(host)).toThrow(host);
});
