import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DaemonOptions } from "../api/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { daemonFlags, daemonOptions } from "./daemon-options.ts";
import { parseFlags } from "./flags.ts";

/** Reads a file with this content, beside these flags. */
function read(content: string | Uint8Array, ...argv: readonly string[]): DaemonOptions {
  const directory = mkdtempSync(join(tmpdir(), "daemon-json-"));
  try {
    const path = join(directory, "d.json");
    writeFileSync(path, content);
    return daemonOptions(parseFlags(daemonFlags, [`--config-file=${path}`, ...argv], true).flags);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What is wrong, behind the file's name. */
function wrong(content: string, ...argv: readonly string[]): string {
  try {
    read(content, ...argv);
    return "nothing";
  } catch (error) {
    return messageOf(error).replace(/^unable to configure the Docker daemon with file \S+d\.json: /, "");
  }
}

const merged = "merged configuration validation from file and command line flags failed: ";

test("keys say what flags say", () => {
  const content = {
    hosts: ["unix:///a"],
    debug: true,
    labels: ["a=b"],
    "data-root": "/d",
    "default-ulimits": { nofile: { Name: "nofile", Hard: 20, Soft: 10 } },
    "default-shm-size": "128M",
    "default-address-pools": [{ base: "10.10.0.0/16", size: 24 }],
    "default-network-opts": { bridge: { "com.docker.network.driver.mtu": "1400" } },
    "host-gateway-ip": "1.2.3.4",
    dns: ["1.1.1.1"],
    icc: false,
    "log-opts": { "max-size": "10m" },
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "registry-mirrors": ["https://m"],
    "max-concurrent-downloads": 7,
    "max-concurrent-uploads": 0,
    proxies: { "http-proxy": "http://p", "no-proxy": "a,b" },
    "live-restore": true,
    "userns-remap": "",
    features: { buildkit: false },
    "log-level": "warn",
    pidfile: null,
  };
  expect(read(JSON.stringify(content))).toMatchObject({
    hosts: ["unix:///a"],
    debug: true,
    labels: ["a=b"],
    dataRoot: "/d",
    defaultUlimits: [{ Name: "nofile", Soft: 10, Hard: 20 }],
    defaultShmSize: 128 << 20,
    logOpts: { "max-size": "10m" },
    registryMirrors: ["https://m/"],
    maxConcurrentDownloads: 7,
    maxConcurrentUploads: 5,
    proxies: { http: "http://p", none: "a,b" },
    logLevel: "warn",
    pidfile: "/run/caisson/caisson.pid",
    network: {
      defaultAddressPools: [{ base: "10.10.0.0/16", size: 24 }],
      defaultNetworkOptions: { bridge: { "com.docker.network.driver.mtu": "1400" } },
      hostGatewayAddresses: ["1.2.3.4"],
      dns: ["1.1.1.1"],
      interContainerCommunication: false,
    },
  });
});

test("flags count beside the file; an empty file and a mark at its beginning are fine", () => {
  expect(read('{"debug": true}', "-l", "warn")).toMatchObject({ debug: true, logLevel: "warn" });
  expect(read(" ")).toMatchObject({ debug: false });
  expect(read("\uFEFF{}")).toMatchObject({ debug: false });
  expect(read(Buffer.from('\uFEFF{"debug": true}', "utf16le"))).toMatchObject({ debug: true });
});

test("a file that was named must be there", () => {
  const { flags } = parseFlags(daemonFlags, ["--config-file=/nope/d.json"], true);
  expect(() => daemonOptions(flags)).toThrow(
    "unable to configure the Docker daemon with file /nope/d.json: open /nope/d.json: no such file or directory",
  );
});

/** Each of these was answered so by dockerd 28.5.2. */
test.each([
  ['{"foo":1}', [], "the following directives don't match any configuration option: foo"],
  ['{"foo":1,"bar":2}', [], "the following directives don't match any configuration option: foo, bar"],
  ['{"Debug":true}', [], "the following directives don't match any configuration option: Debug"],
  ['{"proxies":"x"}', [], "the following directives don't match any configuration option: proxies"],
  ["{}", ["--nothing-wrong"], "unknown flag: --nothing-wrong"],
  [
    '{"debug":true}',
    ["-D"],
    "the following directives are specified both as a flag and in the configuration file: debug: (from flag: true, from file: true)",
  ],
  [
    '{"debug":true,"log-level":"warn"}',
    ["-D", "-l", "info"],
    "the following directives are specified both as a flag and in the configuration file: debug: (from flag: true, from file: true), log-level: (from flag: info, from file: warn)",
  ],
  [
    '{"hosts":["unix:///a"]}',
    ["-H", "unix:///b"],
    "the following directives are specified both as a flag and in the configuration file: hosts: (from flag: [unix:///b], from file: [unix:///a])",
  ],
  [
    '{"log-opts":{"max-size":"10m"}}',
    ["--log-opt", "max-file=3"],
    "the following directives are specified both as a flag and in the configuration file: log-opts: (from flag: map[max-file:3], from file: map[max-size:10m])",
  ],
  [
    '{"host-gateway-ip":"1.2.3.4"}',
    ["--host-gateway-ip", "1.1.1.1"],
    "the following directives are specified both as a flag and in the configuration file: host-gateway-ip: (from flag: [1.1.1.1], from file: 1.2.3.4)",
  ],
  [
    '{"proxies":{"http-proxy":"http://u:p@x"}}',
    ["--http-proxy", "y"],
    "the following directives are specified both as a flag and in the configuration file: http-proxy: (from flag: y, from file: http://xxxxx:xxxxx@x)",
  ],
  [
    '{"live-restore":true}',
    ["--live-restore=false"],
    "the following directives are specified both as a flag and in the configuration file: live-restore: (from flag: false, from file: true)",
  ],
  [
    '{"debug":"x"}',
    [],
    "invalid JSON: json: cannot unmarshal string into Go struct field Config.debug of type bool",
  ],
  [
    '{"mtu":1.5}',
    [],
    "invalid JSON: json: cannot unmarshal number 1.5 into Go struct field Config.mtu of type int",
  ],
  [
    '{"log-opts":{"a":1}}',
    [],
    "invalid JSON: json: cannot unmarshal number into Go struct field Config.log-opts.a of type string",
  ],
  [
    '{"features":{"a":"x"}}',
    [],
    "invalid JSON: json: cannot unmarshal string into Go struct field Config.features.a of type bool",
  ],
  [
    '{"insecure-registries":"x"}',
    [],
    "invalid JSON: json: cannot unmarshal string into Go struct field Config.insecure-registries of type []string",
  ],
  ["[]", [], "invalid JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"],
  ['{"debug":', [], "invalid JSON: unexpected end of JSON input"],
  ['{"labels":["a=b",]}', [], "invalid JSON: invalid character ']' looking for beginning of value"],
  ["{} x", [], "invalid JSON: invalid character 'x' after top-level value"],
  ['{"default-shm-size":"x"}', [], "invalid JSON: invalid size: 'x'"],
  ['{"log-level":"foo"}', [], `${merged}invalid logging level: foo`],
  ['{"max-download-attempts":-1}', [], `${merged}invalid max download attempts: -1`],
  ['{"mtu":-1}', [], `${merged}invalid default MTU: -1`],
  [
    '{"registry-mirrors":["ftp://foo"]}',
    [],
    `${merged}invalid mirror: unsupported scheme "ftp" in "ftp://foo": must use either 'https://' or 'http://'`,
  ],
] as const)("%s %j is wrong", (content, argv, text) => {
  expect(wrong(content, ...argv)).toBe(text);
});

test("what is refused is named as the file names it", () => {
  expect(wrong('{"authorization-plugins":["x"]}')).toBe(
    `${merged}authorization-plugins is not supported by this version of caisson: requests are limited by the policies of sockets`,
  );
  expect(wrong('{"runtimes":{"runsc":{"path":"runsc"}}}')).toContain(
    "runtimes is not supported by this version of caisson",
  );
  expect(wrong('{"runtimes":{}, "builder":{}}')).toBe("nothing");
});

test("sockets", () => {
  const sockets = [
    { host: "unix:///a", group: "ops", policy: { "read-only": true } },
    { host: "unix:///b", policy: { label: "team=a" } },
    { host: "unix:///c", policy: { label: "team=a", "no-privileged": false } },
  ];
  expect(read(JSON.stringify({ sockets })).sockets).toEqual([
    {
      host: "unix:///a",
      group: "ops",
      policy: { readOnly: true, noPrivileged: false, noHostMounts: false },
    },
    {
      host: "unix:///b",
      policy: { readOnly: false, noPrivileged: true, noHostMounts: true, label: "team=a" },
    },
    {
      host: "unix:///c",
      policy: { readOnly: false, noPrivileged: false, noHostMounts: true, label: "team=a" },
    },
  ]);
  expect(wrong('{"sockets":{}}')).toContain("sockets must be a list of objects");
  expect(wrong('{"sockets":[{}]}')).toContain('sockets[0] needs a "host"');
  expect(wrong('{"sockets":[{"host":"unix:///a","policy":{"readonly":true}}]}')).toContain(
    'sockets[0].policy has no "readonly": it may have read-only, label, no-privileged, no-host-mounts',
  );
  expect(wrong('{"sockets":[{"host":"unix:///a","policy":{"label":"x"}}]}')).toContain(
    "sockets[0].policy.label must be key=value",
  );
});
