import { expect, test } from "bun:test";
import type { PublishedPort } from "../types.ts";
import { unchosen } from "./forget.ts";

function port(protocol: PublishedPort["protocol"], hostAddress: string): PublishedPort {
  return { protocol, hostAddress, hostPort: 53, containerPort: 53, count: 1, containerAddress: "172.17.0.2" };
}
const ports = [port("udp", "0.0.0.0"), port("udp", "::"), port("tcp", "::")];

test("a kernel that chooses leaves IPv6 to be looked for", () => {
  expect(unchosen(ports, [6, 12])).toEqual([port("udp", "::")]);
  expect(unchosen(ports, [7, 0])).toEqual([port("udp", "::")]);
});

test("an older one leaves all of UDP", () => {
  expect(unchosen(ports, [6, 1])).toEqual([port("udp", "0.0.0.0"), port("udp", "::")]);
});
