import { expect, test } from "bun:test";
import type { DeviceRequest } from "./container-types.ts";
import { cdiNames, checkDeviceRequests } from "./device-requests.ts";

const check = (request: Partial<DeviceRequest>): void =>
  checkDeviceRequests({ DeviceRequests: [request as DeviceRequest] });

test("only devices of the Container Device Interface, in Docker's words", () => {
  expect(() => check({ Driver: "", Count: -1, Capabilities: [["gpu"]] })).toThrow(
    'could not select device driver "" with capabilities: [[gpu]]',
  );
  expect(() => check({ Driver: "nvidia", Capabilities: [["gpu", "nvidia"], ["compute"]] })).toThrow(
    'could not select device driver "nvidia" with capabilities: [[gpu nvidia] [compute]]',
  );
  expect(() => check({})).toThrow('could not select device driver "" with capabilities: []');
  expect(() => check({ Driver: "cdi", Count: 1 })).toThrow("unexpected count in CDI device request");
  expect(() => check({ Driver: "cdi", Options: { a: "b" } })).toThrow(
    "unexpected options in CDI device request",
  );
  expect(check({ Driver: "cdi", Count: 0, Options: {}, DeviceIDs: ["v.com/c=a"] })).toBeUndefined();
  expect(checkDeviceRequests({ DeviceRequests: null })).toBeUndefined();
});

test("names of all requests, in order", () => {
  const requests = [{ DeviceIDs: ["v/c=a", "v/c=b"] }, { DeviceIDs: null }, { DeviceIDs: ["w/d=0"] }];
  expect(cdiNames({ DeviceRequests: requests as DeviceRequest[] })).toEqual(["v/c=a", "v/c=b", "w/d=0"]);
  expect(cdiNames({ DeviceRequests: null })).toEqual([]);
});
