import { expect, test } from "bun:test";
import {
  isCdiDevice,
  parseDevice,
  parseGpus,
  parseOperations,
  parseRate,
  parseUlimit,
  parseWeight,
  takeDeviceRule,
} from "./devices.ts";

test.each([
  ["/dev/null", { PathOnHost: "/dev/null", PathInContainer: "/dev/null", CgroupPermissions: "rwm" }],
  ["/dev/null:r", { PathOnHost: "/dev/null", PathInContainer: "/dev/null", CgroupPermissions: "r" }],
  ["/dev/a:/dev/b", { PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "rwm" }],
  ["/dev/a:/dev/b:rw", { PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "rw" }],
])("%p", (text, device) => {
  expect(parseDevice(text)).toEqual(device);
});

test.each([
  ["a:b:c:d", "bad format for path: a:b:c:d"],
  ["/dev/a:/dev/b:z", "bad mode specified: z"],
  ["dev", "dev is not an absolute path"],
])("%p is no device", (text, what) => {
  expect(() => parseDevice(text)).toThrow(what);
});

test("devices by CDI are told from paths", () => {
  expect(isCdiDevice("vendor.com/class=name")).toBe(true);
  expect(isCdiDevice("/dev/null")).toBe(false);
});

test("limits", () => {
  expect(parseUlimit("nofile=1:2")).toEqual({ Name: "nofile", Soft: 1, Hard: 2 });
  expect(parseUlimit("core=0")).toEqual({ Name: "core", Soft: 0, Hard: 0 });
  expect(parseUlimit("nproc=5:-1")).toEqual({ Name: "nproc", Soft: 5, Hard: -1 });
  expect(() => parseUlimit("foo")).toThrow("invalid ulimit argument: foo");
  expect(() => parseUlimit("foo=1")).toThrow("invalid ulimit type: foo");
  expect(() => parseUlimit("core=5:3")).toThrow("less than or equal to hard limit: 5 > 3");
});

test("block devices", () => {
  expect(parseRate("/dev/sda:1mb")).toEqual({ Path: "/dev/sda", Rate: 1024 ** 2 });
  expect(parseOperations("/dev/sda:10")).toEqual({ Path: "/dev/sda", Rate: 10 });
  expect(parseWeight("/dev/sda:10")).toEqual({ Path: "/dev/sda", Weight: 10 });
  expect(() => parseRate("sda:1")).toThrow("bad format for device path: sda:1");
  expect(() => parseOperations("/dev/sda:1m")).toThrow("invalid rate for device: /dev/sda:1m");
  expect(() => parseWeight("/dev/sda:5")).toThrow("invalid weight for device");
  expect(takeDeviceRule("c 1:3 mr")).toBe("c 1:3 mr");
  expect(() => takeDeviceRule("x")).toThrow("invalid device cgroup format 'x'");
});

test("GPUs", () => {
  expect(parseGpus("all")).toMatchObject({ Count: -1, Capabilities: [["gpu"]], Options: {} });
  expect(parseGpus('"device=1,2","capabilities=compute"')).toMatchObject({
    Count: 0,
    DeviceIDs: ["1", "2"],
    Capabilities: [["compute", "gpu"]],
  });
  expect(() => parseGpus("foo=bar")).toThrow("unexpected key 'foo' in 'foo=bar'");
});
