import { expect, test } from "bun:test";
import { parseFlags } from "../flags.ts";
import { createFlags } from "./create-flags.ts";
import { isUserDefined, parseNetwork, parseNetworking, type Networking } from "./networks.ts";

const networking = (...argv: readonly string[]): Networking =>
  parseNetworking(parseFlags(createFlags, [...argv, "image"], false).flags);

test("a name, or a list of settings", () => {
  expect(parseNetwork("web")).toMatchObject({ target: "web", aliases: [] });
  expect(parseNetwork("name=web,alias=a,alias=b,ip=10.0.0.5,driver-opt=k=v,gw-priority=-1")).toMatchObject({
    target: "web",
    aliases: ["a", "b"],
    ip: "10.0.0.5",
    driverOpts: { k: "v" },
    priority: -1,
  });
});

test.each([
  ["alias=a", "network name/id is not specified"],
  ["name=web,foo=1", "invalid field key foo"],
  ["name=web,foo", "invalid field foo"],
  ["name=web,gw-priority=x", "invalid gw-priority (x)"],
  ["name=web,driver-opt=x", "invalid key value pair format in driver options"],
])("%p is refused", (text, problem) => {
  expect(() => parseNetwork(text)).toThrow(problem);
});

test("networks that someone made are told from the engine's", () => {
  expect(["web", "hosts", "containers"].every(isUserDefined)).toBe(true);
  expect(["default", "bridge", "host", "none", "container:x"].some(isUserDefined)).toBe(false);
});

test("a network without settings is only the mode", () => {
  expect(networking("--network", "host")).toEqual({ mode: "host", endpoints: {} });
});

test("the flags beside it are the first network's", () => {
  expect(
    networking(
      "--network",
      "a",
      "--network",
      "b",
      "--ip",
      "10.0.0.5",
      "--network-alias",
      "x",
      "--link",
      "db",
    ),
  ).toEqual({
    mode: "a",
    endpoints: { a: { Aliases: ["x"], Links: ["db"], IPAMConfig: { IPv4Address: "10.0.0.5" } }, b: {} },
  });
});

test.each([
  [["--network", "a", "--network", "a"], 'network "a" is specified multiple times'],
  [["--network", "a", "--network", "bridge"], "cannot attach both user-defined and non-user-defined"],
  [["--network", "name=a,alias=x", "--network-alias", "y"], "both --network-alias and per-network alias"],
  [["--network", "name=a,ip=10.0.0.5", "--ip", "10.0.0.6"], "both --ip and per-network IPv4 address"],
  [["--network", "host", "--network-alias", "x"], "aliases are only supported for user-defined networks"],
  [["--network", "name=a,mac-address=x"], "x is not a valid mac address"],
])("%p contradict each other", (argv, problem) => {
  expect(() => networking(...argv)).toThrow(problem);
});
