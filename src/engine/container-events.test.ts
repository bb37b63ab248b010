import { afterEach, beforeEach, expect, test } from "bun:test";
import { publishContainer, publishVolumes } from "./container-events.ts";
import type { MountPoint } from "./container.ts";
import { FakeServices } from "./fake-services.ts";

let fake: FakeServices;
beforeEach(() => {
  fake = new FakeServices();
});
afterEach(() => fake[Symbol.dispose]());

test("labels are attributes, and can't be taken for the image or the name", () => {
  const Labels = { a: "1", image: "evil", name: "evil", exitCode: "9" };
  const { container } = fake.container({}, { config: { Labels } });
  publishContainer(fake.services, "die", container, { exitCode: "0" });
  expect(fake.published).toEqual([
    {
      Type: "container",
      Action: "die",
      Actor: { ID: container.id, Attributes: { a: "1", exitCode: "0", image: "busybox", name: "web" } },
    },
  ]);
});

test("volumes alone, with Docker's attributes", () => {
  const mounts = [
    { type: "bind", source: "/x", destination: "/a", writable: true },
    { type: "volume", name: "v", source: "/v", destination: "/b", writable: false },
    { type: "volume", name: "w", driver: "nfs", source: "/w", destination: "/c", writable: true },
  ] as readonly Partial<MountPoint>[] as readonly MountPoint[];
  const { container } = fake.container({}, { record: { mounts } });
  publishVolumes(fake.services, "mount", container);
  publishVolumes(fake.services, "unmount", container);
  expect(fake.published.map(({ Type, Action, Actor }) => [Type, Action, Actor.ID])).toEqual([
    ["volume", "mount", "v"],
    ["volume", "mount", "w"],
    ["volume", "unmount", "v"],
    ["volume", "unmount", "w"],
  ]);
  expect(fake.published[0]?.Actor.Attributes).toEqual({
    container: container.id,
    driver: "local",
    destination: "/b",
    propagation: "",
    "read/write": "false",
  });
  expect(fake.published[3]?.Actor.Attributes).toEqual({ container: container.id, driver: "nfs" });
});
