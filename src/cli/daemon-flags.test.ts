import { expect, test } from "bun:test";
import type { DaemonOptions } from "../api/mod.ts";
import { networkDefaults } from "../engine/daemon-options.ts";
import { daemonFlags, daemonOptions, refusedDaemonFlags } from "./daemon-flags.ts";
import { parseFlags } from "./flags.ts";

function options(...argv: readonly string[]): DaemonOptions {
  return daemonOptions(parseFlags([...daemonFlags, ...refusedDaemonFlags], argv, true).flags);
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
    ..."-H unix:///a -H tcp://0.0.0.0:1 --data-root /d --exec-root /e -p /p -D -l warn --userns=host --idle-exit 60".split(
      " ",
    ),
    ..."--exec-opt native.cgroupdriver=systemd --cgroup-parent /x --default-ulimit nofile=1:2 --log-opt max-size=1m".split(
      " ",
    ),
    ..."--insecure-registry r --registry-mirror m -s vfs --label a=b --seccomp-profile unconfined --group g".split(
      " ",
    ),
  );
  expect(given).toEqual({
    hosts: ["unix:///a", "tcp://0.0.0.0:1"],
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
    registryMirrors: ["m"],
    storageDriver: "vfs",
    logDriver: "json-file",
    logOpts: { "max-size": "1m" },
    labels: ["a=b"],
    network: networkDefaults,
    group: "g",
    shutdownTimeout: 15,
    idleExitSeconds: 60,
  });
});

test.each([
  [["--live-restore"], "--live-restore is not supported by this version of caisson"],
  [
    ["--network-control-plane-mtu", "1400"],
    "--network-control-plane-mtu is not supported by this version of caisson",
  ],
  [["--exec-opt", "x=y"], "--exec-opt x is not supported by this version of caisson"],
  [["--userns", "maybe"], 'invalid value "maybe" for --userns: must be one of "auto", "host"'],
  [["--nonsense"], "unknown flag: --nonsense"],
])("%j is refused", (argv, text) => {
  expect(() => options(...argv)).toThrow(text);
});
