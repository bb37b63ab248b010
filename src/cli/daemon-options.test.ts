import { expect, test } from "bun:test";
import type { DaemonOptions } from "../api/mod.ts";
import { daemonDefaults } from "../engine/daemon-options.ts";
import { daemonFlags, daemonOptions, placesOf } from "./daemon-options.ts";
import { parseFlags } from "./flags.ts";

function options(...argv: readonly string[]): DaemonOptions {
  const { flags } = parseFlags(daemonFlags, ["--config-file=", ...argv], true);
  return daemonOptions(flags);
}

test("defaults", () => {
  expect(options()).toMatchObject({
    hosts: ["unix:///run/caisson/caisson.sock"],
    dataRoot: "/var/lib/caisson",
    execRoot: "/run/caisson",
    pidfile: "/run/caisson/caisson.pid",
    debug: false,
    logLevel: "info",
    userns: "auto",
    logDriver: "json-file",
    shutdownTimeout: 15,
  });
  expect(options().idleExitSeconds).toBeUndefined();
  expect(options().seccompProfile).toBeUndefined();
});

test("flags", () => {
  const given = options(
    ..."-H unix:///a -H tcp://0.0.0.0:1 --insecure-tcp --data-root /d --exec-root /e -p /p -D -l warn --userns=host --idle-exit 60".split(
      " ",
    ),
    ..."--exec-opt native.cgroupdriver=systemd --cgroup-parent /x --default-ulimit nofile=1:2 --log-opt max-size=1m".split(
      " ",
    ),
    ..."--insecure-registry r --registry-mirror https://m -s vfs --label a=b --seccomp-profile unconfined --group g".split(
      " ",
    ),
  );
  expect(given).toEqual({
    ...daemonDefaults,
    hosts: ["unix:///a", "tcp://0.0.0.0:1"],
    insecureTcp: true,
    dataRoot: "/d",
    execRoot: "/e",
    pidfile: "/p",
    debug: true,
    logLevel: "warn",
    userns: "host",
    cgroupDriver: "systemd",
    cgroupParent: "/x",
    seccompProfile: "unconfined",
    defaultUlimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
    insecureRegistries: ["r"],
    registryMirrors: ["https://m/"],
    storageDriver: "vfs",
    logDriver: "json-file",
    logOpts: { "max-size": "1m" },
    labels: ["a=b"],
    group: "g",
    shutdownTimeout: 15,
    idleExitSeconds: 60,
  });
});

test("what asks for nothing that is missing is taken", () => {
  expect(
    options("--live-restore", "--selinux-enabled=false", "--userns-remap=", "--default-runtime=caisson"),
  ).toEqual(options());
});

test("called as dockerd it is where Docker's clients look for one, with caisson's own data", () => {
  const { flags } = parseFlags(daemonFlags, ["--config-file="], true);
  expect(daemonOptions(flags, placesOf("dockerd"))).toMatchObject({
    hosts: ["unix:///var/run/docker.sock"],
    pidfile: "/var/run/docker.pid",
    dataRoot: "/var/lib/caisson",
    execRoot: "/run/caisson",
  });
});

test.each([
  [
    ["--live-restore=false"],
    "--live-restore is nothing that caisson could be told: containers always outlive the engine; stop them before it if they are to stop",
  ],
  [
    ["--network-control-plane-mtu", "1400"],
    "--network-control-plane-mtu is nothing that caisson could be told: there are no swarms",
  ],
  [["--selinux-enabled"], "--selinux-enabled is not supported by this version of caisson: SELinux labels"],
  [["--exec-opt", "x=y"], "invalid exec-opt (x=y): unknown option: 'x'"],
  [["--exec-opt", "x"], "invalid exec-opt (x): must be formatted 'opt=value'"],
  [["--log-level", "loud"], "invalid logging level: loud"],
  [["--log-format", "xml"], "invalid log format: xml"],
  [
    ["--default-ipc-mode", "host"],
    'IPC mode "host" is not supported as default value; use "shareable" or "private"',
  ],
  [["--default-cgroupns-mode", "x"], 'invalid default cgroup namespace (x): use "host" or "private"'],
  [["--max-concurrent-downloads", "-1"], "invalid max concurrent downloads: -1"],
  [["--label", "a"], 'invalid argument "a" for "--label" flag: bad attribute format: a'],
  [["--label", "a=b", "--label", "a=c"], "conflict labels for a=c and a=b"],
  [
    ["--registry-mirror", "m"],
    "invalid mirror: no scheme specified for \"m\": must use either 'https://' or 'http://'",
  ],
  [
    ["--registry-mirror", "https://u:p@m"],
    'invalid mirror: username/password not allowed in URI "https://u:xxxxx@m"',
  ],
  [["--userns", "maybe"], 'invalid value "maybe" for --userns: must be one of "auto", "host"'],
  [["--nonsense"], "unknown flag: --nonsense"],
])("%j is refused", (argv, text) => {
  expect(() => options(...argv)).toThrow(text);
});
