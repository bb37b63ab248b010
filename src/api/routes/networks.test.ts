import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { failure } from "../../errors/mod.ts";
import { startApi, type EngineParts, type TestApi } from "../fake-engine.ts";

/** What the engine was asked, as the method and its arguments. */
const calls: unknown[][] = [];

function record<T>(name: string, answer: T): (...given: unknown[]) => Promise<T> {
  return async (...given) => {
    calls.push([name, ...given]);
    return answer;
  };
}

const networks: EngineParts["networks"] = {
  list: record("networks", []),
  inspect: record("network", { Name: "none" }),
  create: record("networkCreate", { Id: "n", Warning: "" }),
  remove: record("networkRemove", undefined),
  connect: record("connect", undefined),
  disconnect: record("disconnect", undefined),
  prune: record("networkPrune", { NetworksDeleted: null }),
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ networks });
});
afterAll(() => api[Symbol.asyncDispose]());

const none = new Map();

describe("what a request becomes, and its answer", () => {
  const rows: [string, string, unknown, number, string, unknown[]][] = [
    ["GET", "/networks", undefined, 200, "[]\n", ["networks", none]],
    [
      "GET",
      "/networks/none",
      undefined,
      200,
      '{"Name":"none"}\n',
      ["network", "none", { verbose: false, scope: "" }],
    ],
    [
      "GET",
      "/networks/a/b?verbose=true&scope=swarm",
      undefined,
      200,
      '{"Name":"none"}\n',
      ["network", "a/b", { verbose: true, scope: "swarm" }],
    ],
    [
      "POST",
      "/networks/create",
      {
        name: "n",
        CheckDuplicate: true,
        EnableIPv4: false,
        IPAM: { Driver: "default", Options: null, Config: [{ Subnet: "10.0.0.0/8", AuxAddress: 1 }] },
        Options: { a: "b" },
      },
      201,
      '{"Id":"n","Warning":""}\n',
      [
        "networkCreate",
        {
          Name: "n",
          CheckDuplicate: true,
          EnableIPv4: false,
          IPAM: { Driver: "default", Config: [{ Subnet: "10.0.0.0/8" }] },
          Options: { a: "b" },
        },
      ],
    ],
    [
      "POST",
      "/v1.47/networks/create",
      { Name: "n", EnableIPv4: false, EnableIPv6: true },
      201,
      '{"Id":"n","Warning":""}\n',
      ["networkCreate", { Name: "n", EnableIPv6: true }],
    ],
    ["DELETE", "/networks/a/b", undefined, 204, "", ["networkRemove", "a/b"]],
    [
      "POST",
      "/networks/n/connect",
      { Container: "c", EndpointConfig: { IPAMConfig: { IPv4Address: "1.2.3.4" }, GwPriority: 1 } },
      200,
      "",
      [
        "connect",
        "n",
        { Container: "c", EndpointConfig: { IPAMConfig: { IPv4Address: "1.2.3.4" }, GwPriority: 1 } },
      ],
    ],
    [
      "POST",
      "/v1.47/networks/n/connect",
      { Container: "c", EndpointConfig: { GwPriority: 1, MacAddress: "x" } },
      200,
      "",
      ["connect", "n", { Container: "c", EndpointConfig: { MacAddress: "x" } }],
    ],
    ["POST", "/v1.47/networks/n/connect", { Container: "c" }, 200, "", ["connect", "n", { Container: "c" }]],
    [
      "POST",
      "/networks/n/disconnect",
      { Container: "c", Force: true },
      200,
      "",
      ["disconnect", "n", { Container: "c", Force: true }],
    ],
    [
      "POST",
      '/networks/prune?filters={"until":["1h"]}',
      undefined,
      200,
      '{"NetworksDeleted":null}\n',
      ["networkPrune", new Map([["until", ["1h"]]])],
    ],
  ];
  for (const [method, url, body, status, text, call] of rows)
    test(`${method} ${url}`, async () => {
      calls.length = 0;
      const answer = await api.ask(method, url, body);
      expect([answer.status, answer.text, calls[0]]).toEqual([status, text, call]);
    });
});

describe("what is refused, in Docker's words", () => {
  const rows: [string, string, unknown, number, string][] = [
    [
      "GET",
      "/networks/n?verbose=x",
      undefined,
      400,
      'invalid value for verbose: x: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    ["POST", "/networks/create", "{}", 400, "malformed Content-Type header (): mime: no media type"],
    [
      "POST",
      "/networks/create",
      { Name: 5 },
      400,
      "invalid JSON: json: cannot unmarshal number into Go struct field CreateRequest.Name of type string",
    ],
  ];
  for (const [method, url, body, status, message] of rows)
    test(`${method} ${url}`, async () => {
      const answer = await api.ask(method, url, body);
      expect([answer.status, answer.text]).toEqual([status, `${JSON.stringify({ message })}\n`]);
    });

  test("what the engine says is the answer", async () => {
    const message = "bridge is a pre-defined network and cannot be removed";
    const remove = async (): Promise<void> => {
      throw failure("forbidden", { message });
    };
    await using refusing = await startApi({ networks: { remove } });
    const answer = await refusing.ask("DELETE", "/networks/bridge");
    expect([answer.status, answer.text]).toEqual([403, `${JSON.stringify({ message })}\n`]);
  });
});
