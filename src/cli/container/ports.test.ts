import { expect, test } from "bun:test";
import { parsePorts } from "./ports.ts";
import { portsText } from "./ports-text.ts";

test("published ports are exposed too", () => {
  expect(parsePorts(["80:8080", "127.0.0.1::53/udp", "[::1]:5:6", "90"], ["7", "8-9/udp"])).toEqual({
    bindings: {
      "8080/tcp": [{ HostIp: "", HostPort: "80" }],
      "53/udp": [{ HostIp: "127.0.0.1", HostPort: "" }],
      "6/tcp": [{ HostIp: "::1", HostPort: "5" }],
      "90/tcp": [{ HostIp: "", HostPort: "" }],
    },
    exposed: {
      "8080/tcp": {},
      "53/udp": {},
      "6/tcp": {},
      "90/tcp": {},
      "7/tcp": {},
      "8/udp": {},
      "9/udp": {},
    },
  });
});

test("ranges match one to one, or one port takes any of a range", () => {
  expect(parsePorts(["1000-1001:80-81"], []).bindings).toEqual({
    "80/tcp": [{ HostIp: "", HostPort: "1000" }],
    "81/tcp": [{ HostIp: "", HostPort: "1001" }],
  });
  expect(parsePorts(["1000-1010:80"], []).bindings["80/tcp"]).toEqual([
    { HostIp: "", HostPort: "1000-1010" },
  ]);
});

test("the long form", () => {
  expect(parsePorts(["published=1,target=2,protocol=udp"], []).bindings).toEqual({
    "2/udp": [{ HostIp: "", HostPort: "1" }],
  });
});

test.each([
  ["x", "Invalid containerPort: x"],
  ["99999:80", "Invalid hostPort: 99999"],
  ["80:80/foo", "Invalid proto: foo"],
  ["1-2:5-7", "Invalid ranges specified for container and host Ports: 5-7 and 1-2"],
  ["::1:80:80", "Invalid ip address ::1: address ::1:: too many colons in address"],
  ["1:2:3:4", "Invalid ip address 1:2: address 1:2:: too many colons in address"],
])("%p is refused", (spec, what) => {
  expect(() => parsePorts([spec], [])).toThrow(what);
});

test("neighbours are shown as ranges, mappings to other numbers last", () => {
  const port = (PrivatePort: number, more: object = {}): Parameters<typeof portsText>[0][number] =>
    ({ PrivatePort, Type: "tcp", ...more }) as Parameters<typeof portsText>[0][number];
  expect(portsText([port(81), port(80), port(90)])).toBe("80-81/tcp, 90/tcp");
  expect(
    portsText([
      port(80, { IP: "0.0.0.0", PublicPort: 8080 }),
      port(443, { IP: "::", PublicPort: 443 }),
      port(1),
    ]),
  ).toBe("1/tcp, [::]:443->443/tcp, 0.0.0.0:8080->80/tcp");
});
