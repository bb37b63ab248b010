import { expect, test } from "bun:test";
import { parseFlags } from "../flags.ts";
import { createRequest, restartPolicy, type CreateRequest } from "./create-body.ts";
import { runFlags } from "./create-flags.ts";

function request(...argv: readonly string[]): CreateRequest {
  const { flags, args } = parseFlags(runFlags, argv, false);
  return createRequest(flags, args);
}

test("what isn't given isn't sent", () => {
  expect(request("busybox")).toEqual({
    body: {
      Image: "busybox",
      AttachStdout: true,
      AttachStderr: true,
      HostConfig: { NetworkMode: "default", RestartPolicy: { Name: "no", MaximumRetryCount: 0 } },
      NetworkingConfig: { EndpointsConfig: { default: {} } },
    },
  } as CreateRequest);
});

test("an interactive container's input is closed with its first client", () => {
  expect(request("-it", "--name", "n", "busybox", "sh", "-c", "x")).toMatchObject({
    name: "n",
    body: { Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true, Cmd: ["sh", "-c", "x"] },
  });
});

test("-a chooses streams", () => {
  const { body } = request("-a", "STDERR", "busybox");
  expect(body.AttachStdout).toBeUndefined();
  expect(body.AttachStderr).toBe(true);
});

test("resources", () => {
  expect(
    request("-m", "64m", "--memory-swap=-1", "--cpus=1.5", "--pids-limit", "10", "--ulimit", "core=0", "i")
      .body.HostConfig,
  ).toMatchObject({
    Memory: 64 * 1024 ** 2,
    MemorySwap: -1,
    NanoCpus: 1.5e9,
    PidsLimit: 10,
    Ulimits: [{ Name: "core", Soft: 0, Hard: 0 }],
  });
});

test("health checks", () => {
  expect(request("--health-cmd", "x", "--health-interval", "5s", "i").body.Healthcheck).toEqual({
    Test: ["CMD-SHELL", "x"],
    Interval: 5e9,
    Timeout: 0,
    StartPeriod: 0,
    StartInterval: 0,
    Retries: 0,
  });
  expect(request("--no-healthcheck", "i").body.Healthcheck).toEqual({ Test: ["NONE"] });
});

test("flags that are given as false are sent where that differs from their absence", () => {
  expect(request("--init=false", "i").body.HostConfig?.Init).toBe(false);
  expect(request("i").body.HostConfig?.Init).toBeUndefined();
  expect(request("--entrypoint", "", "i").body.Entrypoint).toEqual([""]);
});

test("capabilities have their full names", () => {
  expect(
    request("--cap-add", "net_admin", "--cap-drop", "ALL", "--cap-drop", "CHOWN", "i").body.HostConfig,
  ).toMatchObject({
    CapAdd: ["CAP_NET_ADMIN"],
    CapDrop: ["ALL"],
  });
});

test("networks with settings of their own", () => {
  const { body } = request("--network", "name=foo,alias=a,ip=1.2.3.4,gw-priority=5", "--network", "bar", "i");
  expect(body.HostConfig?.NetworkMode).toBe("foo");
  expect(body.NetworkingConfig?.EndpointsConfig).toEqual({
    foo: { Aliases: ["a"], IPAMConfig: { IPv4Address: "1.2.3.4" }, GwPriority: 5 },
    bar: {},
  });
  expect(request("--net", "none", "i").body.NetworkingConfig).toEqual({ EndpointsConfig: {} });
});

test.each([
  [["--restart=always", "--rm"], "conflicting options: cannot specify both --restart and --rm"],
  [["--pid", "x"], "--pid: invalid PID mode"],
  [["--memory-swappiness", "101"], "invalid value: 101. Valid memory swappiness range is 0-100"],
  [["--no-healthcheck", "--health-cmd", "x"], "--no-healthcheck conflicts with --health-* options"],
  [["--health-interval=-5s"], "--health-interval cannot be negative"],
  [["--security-opt", "foo"], 'Invalid --security-opt: "foo"'],
  [
    ["--security-opt", "seccomp=/nowhere"],
    "opening seccomp profile (/nowhere) failed: open /nowhere: no such file",
  ],
  [["--log-driver", "none", "--log-opt", "a=b"], "invalid logging opts for driver none"],
  [
    ["--network", "host", "--network", "foo"],
    "cannot attach both user-defined and non-user-defined network-modes",
  ],
  [["--network", "foo", "--network", "foo"], 'network "foo" is specified multiple times'],
  [["--network-alias", "x"], "network-scoped aliases are only supported for user-defined networks"],
  [["--mac-address", "x"], "x is not a valid mac address"],
  [["--kernel-memory", "1g"], "--kernel-memory is not supported"],
])("%j is refused", (argv, text) => {
  expect(() => request(...argv, "image")).toThrow(text);
});

test.each([
  [["--sysctl", "a=b"], "sysctl 'a=b' is not allowed"],
  [["--add-host", "foo"], 'bad format for add-host: "foo"'],
  [["--add-host", "foo:bar"], 'invalid IP address in add-host: "bar"'],
  [["--dns", "x"], "IP address is not correctly formatted: x"],
  [["-a", "x"], "valid streams are STDIN, STDOUT and STDERR"],
  [["--dns-search", "!"], "! is not a valid domain"],
])("%j is refused while parsing", (argv, text) => {
  expect(() => request(...argv, "image")).toThrow(text);
});

test("hosts are sent in the form that every engine reads", () => {
  const { HostConfig } = request(
    "--add-host",
    "a=[::1]",
    "--add-host",
    "b:1.2.3.4",
    "--dns",
    "0:0::1",
    "i",
  ).body;
  expect(HostConfig?.ExtraHosts).toEqual(["a:::1", "b:1.2.3.4"]);
  expect(HostConfig?.Dns).toEqual(["::1"]);
});

test("restart policies", () => {
  expect(restartPolicy("on-failure:3")).toEqual({ Name: "on-failure", MaximumRetryCount: 3 });
  expect(() => restartPolicy(":3")).toThrow("no policy provided before colon");
  expect(() => restartPolicy("on-failure:x")).toThrow("maximum retry count must be an integer");
});
