import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { createNetwork } from "./create.ts";

const answers = { "POST /networks/create": { status: 201, json: { Id: "1234", Warning: "" } } };

async function body(...argv: readonly string[]): Promise<unknown> {
  const ran = await runCommand(createNetwork, argv, answers);
  expect(ran).toMatchObject({ code: 0, stdout: "1234\n" });
  return JSON.parse(ran.bodies[0] ?? "");
}

test("a name is enough; families are left to the engine", async () => {
  expect(await body("x")).toEqual({
    Name: "x",
    Driver: "bridge",
    Scope: "",
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigOnly: false,
    IPAM: { Driver: "default", Options: {}, Config: [] },
    Options: {},
    Labels: {},
  });
});

test("a warning is no part of the output", async () => {
  const warning = { "POST /networks/create": { status: 201, json: { Id: "1234", Warning: "not so" } } };
  const ran = await runCommand(createNetwork, ["x"], warning);
  expect(ran).toMatchObject({ code: 0, stdout: "1234\n", stderr: "WARNING: not so\n" });
});

test("every flag has its field", async () => {
  const flags =
    "-d macvlan -o parent=eth0 -o a --opt=b=c=d --ipam-driver foo --ipam-opt k=v --label a --label b=c --internal --attachable --ingress --scope swarm --ipv6 --ipv4=false --config-from y --config-only x";
  expect(await body(...flags.split(" "))).toEqual({
    Name: "x",
    Driver: "macvlan",
    Scope: "swarm",
    Internal: true,
    Attachable: true,
    Ingress: true,
    ConfigOnly: true,
    ConfigFrom: { Network: "y" },
    IPAM: { Driver: "foo", Options: { k: "v" }, Config: [] },
    EnableIPv4: false,
    EnableIPv6: true,
    Options: { parent: "eth0", a: "", b: "c=d" },
    Labels: { a: "", b: "c" },
  });
});

test("gateways, ranges and addresses go to the subnet that they lie in", async () => {
  const flags =
    "--subnet 10.1.0.0/24,fd00::/64 --gateway fd00::1 --gateway 10.1.0.1 --ip-range 10.1.0.128/25 --aux-address a=10.1.0.3 --aux-address b=fd00::7 x";
  expect(await body(...flags.split(" "))).toMatchObject({
    IPAM: {
      Config: [
        {
          Subnet: "10.1.0.0/24",
          IPRange: "10.1.0.128/25",
          Gateway: "10.1.0.1",
          AuxiliaryAddresses: { a: "10.1.0.3" },
        },
        { Subnet: "fd00::/64", Gateway: "fd00::1", AuxiliaryAddresses: { b: "fd00::7" } },
      ],
    },
  });
});

test("what is left to the engine to refuse is sent as it is", async () => {
  expect(await body("--subnet", "10.1.0.0/33", "x")).toMatchObject({
    IPAM: { Config: [{ Subnet: "10.1.0.0/33" }] },
  });
  expect(await body("--subnet", "10.1.0.5/16", "--gateway", "10.1.0.1/24", "x")).toMatchObject({
    IPAM: { Config: [{ Subnet: "10.1.0.5/16", Gateway: "10.1.0.1/24" }] },
  });
});

test.each([
  ["--subnet 10.1.0.0/24 --subnet 10.1.0.0/16", "multiple overlapping subnet configuration is not supported"],
  ["--subnet bad --subnet 10.1.0.0/16", "invalid subnet: invalid CIDR address: bad"],
  ["--subnet bad --gateway 10.1.0.1", "invalid subnet: invalid CIDR address: bad"],
  [
    "--subnet 10.1.0.0/16 --subnet 10.2.0.0/16 --ip-range 10.1.0.0/24 --ip-range 10.1.1.0/24",
    "cannot configure multiple ranges (10.1.1.0/24, 10.1.0.0/24) on the same subnet (10.1.0.0/16)",
  ],
  [
    "--subnet 10.1.0.0/16 --subnet 10.2.0.0/16 --gateway 10.1.0.1 --gateway 10.1.0.2",
    "cannot configure multiple gateways (10.1.0.2, 10.1.0.1) for the same subnet (10.1.0.0/16)",
  ],
  ["--subnet 10.1.0.0/16 --ip-range 10.2.0.0/24", "no matching subnet for range 10.2.0.0/24"],
  ["--subnet 10.1.0.0/16 --ip-range 10.1.0.0", "invalid CIDR address: 10.1.0.0"],
  ["--subnet 10.1.0.0/16 --gateway bad/24", "invalid CIDR address: bad/24"],
  ["--subnet 10.1.0.0/16 --gateway bad", "no matching subnet for gateway bad"],
  ["--subnet 10.1.0.0/16 --gateway fd00::1", "no matching subnet for gateway fd00::1"],
  ["--aux-address a=10.1.0.1", "no matching subnet for aux-address 10.1.0.1"],
  ["--gateway 10.1.0.1", "every ip-range or gateway must have a corresponding subnet"],
])("%s is refused", async (flags, text) => {
  const ran = await runCommand(createNetwork, [...flags.split(" "), "x"], answers);
  expect(ran.problem).toBe(text);
  expect(ran.asked).toEqual([]);
});
