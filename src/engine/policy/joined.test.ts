import { expect, test } from "bun:test";
import { failure, messageOf } from "../../errors/mod.ts";
import type { CreateBody, HostConfig } from "../container-types.ts";
import type { CreateRequest } from "../engine.ts";
import { withJoined } from "./joined.ts";

const request = (HostConfig: Partial<HostConfig>): CreateRequest =>
  ({ body: { HostConfig } as CreateBody }) as CreateRequest;

async function resolved(host: Partial<HostConfig>): Promise<unknown> {
  const asked: string[] = [];
  const { body } = await withJoined(request(host), async (name) => {
    asked.push(name);
    return `id-${name}`;
  });
  return { host: body.HostConfig, asked };
}

test("names of containers become ids, everywhere that one can stand", async () => {
  const host = {
    NetworkMode: "container:a",
    PidMode: "container:b",
    IpcMode: "container:c:d",
    VolumesFrom: ["e", "f:ro", "g:ro,z"],
  };
  expect(await resolved(host)).toEqual({
    host: {
      NetworkMode: "container:id-a",
      PidMode: "container:id-b",
      IpcMode: "container:id-c:d",
      VolumesFrom: ["id-e", "id-f:ro", "id-g:ro,z"],
    },
    asked: ["a", "b", "c:d", "e", "f", "g"],
  });
});

test("all else stays as it is", async () => {
  const host = {
    NetworkMode: "bridge",
    PidMode: "host",
    IpcMode: "container:",
    VolumesFrom: null,
    Memory: 1,
  };
  expect(await resolved(host)).toEqual({ host, asked: [] });
});

test("who may not be joined stops the request", async () => {
  const refused = withJoined(request({ VolumesFrom: ["x"] }), (name) => {
    throw failure("no-such-container", { name });
  });
  expect(await refused.then(() => "", messageOf)).toBe("No such container: x");
});
