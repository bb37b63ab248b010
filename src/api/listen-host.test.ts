import { expect, test } from "bun:test";
import { daemonDefaults, type DaemonOptions } from "../engine/daemon-options.ts";
import { checkHosts, parseListenHost } from "./listen-host.ts";

test("hosts", () => {
  const rows = {
    "unix:///run/a.sock": { kind: "unix", path: "/run/a.sock" },
    "unix://": { kind: "unix", path: "/var/run/docker.sock" },
    "/run/a.sock": { kind: "unix", path: "/run/a.sock" },
    "tcp://": { kind: "tcp", hostname: "127.0.0.1", port: 2375 },
    "tcp://:80": { kind: "tcp", hostname: "127.0.0.1", port: 80 },
    "tcp://0.0.0.0": { kind: "tcp", hostname: "0.0.0.0", port: 2375 },
    "tcp://[::]:2376/": { kind: "tcp", hostname: "::", port: 2376 },
    "localhost:1": { kind: "tcp", hostname: "localhost", port: 1 },
    "fd://": { kind: "fd", which: "" },
    "fd://*": { kind: "fd", which: "" },
    "fd://3": { kind: "fd", which: "3" },
  } as const;
  for (const [host, parsed] of Object.entries(rows))
    expect(parseListenHost(host, false), host).toEqual(parsed);
  expect(parseListenHost("tcp://h", true)).toEqual({ kind: "tcp", hostname: "h", port: 2376 });
});

test("what can't be listened at", () => {
  const wrong = {
    "foo://a": "invalid bind address (foo://a): unsupported proto 'foo'",
    "npipe:////./pipe/x": "unsupported proto 'npipe'",
    "tcp://a:99999": "a:99999 is no address and port",
    "tcp://a:b": "a:b is no address and port",
    "tcp://a/b": "a/b is no address and port",
    "unix://relative": "it must be unix:// and an absolute path",
    [`unix:///${"a".repeat(107)}`]: "has 108 bytes: the kernel takes at most 107",
  };
  for (const [host, text] of Object.entries(wrong)) {
    expect(() => parseListenHost(host, false), host).toThrow(text);
  }
});

test("TCP that everybody could use is refused unless it is asked for", () => {
  const options = (more: Partial<DaemonOptions>): DaemonOptions =>
    ({ ...daemonDefaults, hosts: ["unix:///a"], ...more }) as DaemonOptions;
  const said = "tcp://0.0.0.0:2375: without --tlsverify everybody who reaches this address is root";
  const hosts = ["unix:///a", "tcp://0.0.0.0:2375"];
  expect(() => checkHosts(options({ hosts }))).toThrow(said);
  expect(() => checkHosts(options({ sockets: [{ host: "tcp://0.0.0.0:2375" }] }))).toThrow(said);
  checkHosts(options({ hosts, insecureTcp: true }));
  checkHosts(options({ hosts, tls: { cert: "c", key: "k" } }));
  checkHosts(options({}));
});
