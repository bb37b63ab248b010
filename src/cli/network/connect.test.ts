import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { connectNetwork, disconnectNetwork } from "./connect.ts";

const answers = {
  "POST /networks/n/connect": {},
  "POST /networks/n/disconnect": {},
  "POST /networks/bad/connect": { status: 404, json: { message: "network bad not found" } },
};

test("what is said of the endpoint is sent", async () => {
  const flags =
    "--alias a --alias b,c --link d:e --ip 1.2.3.4 --ip6 fd00::1 --link-local-ip fe80::1,fe80::2 --driver-opt a=b --driver-opt c=d=e --gw-priority -5 n c";
  const ran = await runCommand(connectNetwork, flags.split(" "), answers);
  expect(ran).toMatchObject({ code: 0, stdout: "", asked: ["POST /networks/n/connect"] });
  expect(JSON.parse(ran.bodies[0] ?? "")).toEqual({
    Container: "c",
    EndpointConfig: {
      IPAMConfig: { IPv4Address: "1.2.3.4", IPv6Address: "fd00::1", LinkLocalIPs: ["fe80::1", "fe80::2"] },
      Links: ["d:e"],
      Aliases: ["a", "b", "c"],
      DriverOpts: { a: "b", c: "d=e" },
      GwPriority: -5,
    },
  });
});

test("options without a value are refused, an empty one is a value", async () => {
  for (const option of ["a", "=a"]) {
    const ran = await runCommand(connectNetwork, ["--driver-opt", option, "n", "c"], answers);
    expect(ran.problem).toBe("invalid key/value pair format in driver options");
  }
  const ran = await runCommand(connectNetwork, ["--driver-opt", " a = ", "n", "c"], answers);
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({ EndpointConfig: { DriverOpts: { a: "" } } });
});

test("the engine's refusal is said", async () => {
  const ran = await runCommand(connectNetwork, ["bad", "c"], answers);
  expect(ran.problem).toBe("Error response from daemon: network bad not found");
});

test("disconnecting, forced or not", async () => {
  const sent = async (...argv: string[]): Promise<unknown> =>
    JSON.parse((await runCommand(disconnectNetwork, argv, answers)).bodies[0] ?? "");
  expect(await sent("n", "c")).toEqual({ Container: "c", Force: false });
  expect(await sent("-f", "n", "c")).toEqual({ Container: "c", Force: true });
});
