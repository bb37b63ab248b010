import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Endpoint } from "../network/mod.ts";
import { FakeServices } from "./fake-services.ts";
import { publishNetwork } from "./network-events.ts";

let fake: FakeServices;
beforeEach(() => {
  fake = new FakeServices();
});
afterEach(() => fake[Symbol.dispose]());

test("a container's id is there only when the event is about one", () => {
  const network = { id: "n1", name: "net", driver: "bridge" };
  publishNetwork(fake.services, "create", network);
  publishNetwork(fake.services, "connect", network, { container: "c1" } as Endpoint);
  expect(fake.published).toEqual([
    { Type: "network", Action: "create", Actor: { ID: "n1", Attributes: { name: "net", type: "bridge" } } },
    {
      Type: "network",
      Action: "connect",
      Actor: { ID: "n1", Attributes: { container: "c1", name: "net", type: "bridge" } },
    },
  ]);
});
