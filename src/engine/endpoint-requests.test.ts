import { expect, test } from "bun:test";
import type { NetworkRecord } from "../network/mod.ts";
import type { CreateBody, HostConfig } from "./container-types.ts";
import { containerNetworks, hasOwnNetwork } from "./endpoint-requests.ts";
import { exampleRecord } from "./testing.ts";

function record(name: string, subnet = "10.1.0.0/16"): NetworkRecord {
  return {
    id: name.repeat(32).slice(0, 64),
    name,
    driver: "bridge",
    created: "",
    enableIPv4: true,
    enableIPv6: false,
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: "",
    ipam: { driver: "default", options: {}, pools: [{ subnet }] },
    options: {},
    labels: {},
  };
}

const known = [record("bridge"), record("net1"), record("net2")];
const find = (name: string): NetworkRecord | undefined =>
  known.find((one) => one.name === name || one.id.startsWith(name));

function networks(mode: string, endpoints: object = {}, Links: string[] = []): object[] {
  const { hostConfig } = exampleRecord({});
  const host: HostConfig = { ...hostConfig, NetworkMode: mode };
  const body = { HostConfig: { Links }, NetworkingConfig: { EndpointsConfig: endpoints } };
  return containerNetworks(body as CreateBody, host, find);
}

test("who has networks of its own", () => {
  expect(["bridge", "net1", "default"].every(hasOwnNetwork)).toBe(true);
  expect(["host", "none", "container:web"].some(hasOwnNetwork)).toBe(false);
});

test("the mode's network is first; `default` means it; names are those of the networks", () => {
  expect(networks("net1")).toEqual([{ name: "net1", settings: {} }]);
  expect(networks("net1", { net2: { Aliases: ["a"] }, default: { Aliases: ["b"] } })).toEqual([
    { name: "net1", settings: { Aliases: ["b"] } },
    { name: "net2", settings: { Aliases: ["a"] } },
  ]);
  const id = record("net2").id;
  expect(networks(id, { [id]: null })).toEqual([{ name: "net2", settings: {} }]);
  // It need not exist before the container is started.
  expect(networks("later")).toEqual([{ name: "later", settings: {} }]);
});

test("--link goes to the mode's network, unless it is Docker's own or has links already", () => {
  expect(networks("net1", {}, ["db:d"])).toEqual([{ name: "net1", settings: { Links: ["db:d"] } }]);
  expect(networks("net1", { net1: { Links: ["x"] } }, ["db:d"])).toEqual([
    { name: "net1", settings: { Links: ["x"] } },
  ]);
  expect(networks("bridge", {}, ["db:d"])).toEqual([{ name: "bridge", settings: {} }]);
});

test("without a network of its own there can be none beside, in Docker's words", () => {
  expect(networks("host", { host: {} })).toEqual([]);
  expect(networks("none", { default: {} })).toEqual([]);
  expect(() => networks("host", { net1: {} })).toThrow(
    "container cannot be connected to host network and others",
  );
  expect(() => networks("none", { net1: {} })).toThrow(
    "container cannot be connected to none network and others",
  );
  expect(() => networks("container:web", { net1: {} })).toThrow(
    "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
  );
});

test("which network's settings are wrong is said", () => {
  expect(() => networks("net1", { net2: { IPAMConfig: { IPv4Address: "10.9.0.1x" } } })).toThrow(
    /^invalid config for network net2: invalid endpoint settings:\n\* invalid IPv4 address: 10\.9\.0\.1x\n/,
  );
});
