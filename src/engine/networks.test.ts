import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StateDatabase } from "./database.ts";
import { NetworkService } from "./networks.ts";

const plain = { verbose: false, scope: "" };

async function withNetworks(
  body: (networks: NetworkService, database: StateDatabase) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "networks-"));
  const database = new StateDatabase(join(folder, "db"));
  await body(new NetworkService(database), database);
  database.close();
  await rm(folder, { recursive: true });
}

test("predefined networks keep their ids", async () =>
  withNetworks(async (networks, database) => {
    expect(networks.id("host")).toMatch(/^[0-9a-f]{64}$/);
    expect(networks.id("container:x")).toBe("");
    const host = await networks.inspect("host", plain);
    expect(host).toMatchObject({ Name: "host", Driver: "host", Scope: "local", Containers: {}, Options: {} });
    expect(await new NetworkService(database).inspect("host", plain)).toEqual(host);
    expect(await networks.inspect(networks.id("none").slice(0, 12), plain)).toMatchObject({
      Name: "none",
      Driver: "null",
    });
    expect(networks.inspect("bridge", plain)).rejects.toThrow("network bridge not found");
    expect(networks.inspect("", plain)).rejects.toThrow("not found");
    expect(networks.inspect("host", { ...plain, scope: "swarm" })).rejects.toThrow("network host not found");
  }));

test("lists are filtered", async () =>
  withNetworks(async (networks) => {
    const names = async (...filter: [string, string[]][]): Promise<unknown[]> =>
      (await networks.list(new Map(filter))).map(({ Name }) => Name);
    expect(await names()).toEqual(["none", "host"]);
    expect(await names(["name", ["^h"]])).toEqual(["host"]);
    expect(await names(["id", [networks.id("none").slice(0, 20)]])).toEqual(["none"]);
    expect(await names(["driver", ["null"]], ["scope", ["local"]])).toEqual(["none"]);
    expect(await names(["scope", ["swarm"]])).toEqual([]);
    expect(await names(["dangling", ["true"]])).toEqual([]);
    expect(await names(["dangling", ["0"]])).toEqual(["none", "host"]);
    expect(await names(["type", ["custom"]])).toEqual([]);
    expect(await names(["type", ["builtin"]])).toEqual(["none", "host"]);
    expect(await names(["label", ["a"]])).toEqual([]);
    expect(names(["type", ["x"]])).rejects.toThrow("invalid filter: 'type'='x'");
    expect(names(["dangling", ["x"]])).rejects.toThrow("invalid value for filter 'dangling'");
    expect(names(["nope", ["x"]])).rejects.toThrow("invalid filter 'nope'");
  }));
