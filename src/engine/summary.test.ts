import { afterEach, beforeEach, expect, test } from "bun:test";
import { FakeServices } from "./fake-services.ts";
import { Summaries } from "./summary.ts";
import { formatTime, now } from "./time.ts";

let fake: FakeServices;
beforeEach(() => void (fake = new FakeServices()));
afterEach(() => fake[Symbol.dispose]());

test("an image that was removed or renamed is its ID", () => {
  const { container } = fake.container();
  const { imageId } = container.record;
  expect(new Summaries(fake.services).of(container)).toMatchObject({ Image: imageId, ImageID: imageId });
});

test("words with spaces are quoted, the time is in seconds, sizes are not there", () => {
  const { container } = fake.container(
    { status: "exited", exitCode: 1 },
    { record: { args: ["-c", "echo a b"] } },
  );
  const { imageId: id, chain } = container.record;
  const images = {
    ...fake.services.images,
    resolve: () => ({ id, chain, os: "linux", architecture: "amd64", defaults: {} }),
  };
  const line = new Summaries({ ...fake.services, images }).of(container);
  expect(line).toMatchObject({
    Names: ["/web"],
    Image: "busybox",
    Command: "sh -c 'echo a b'",
    Created: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000,
    State: "exited",
    HostConfig: { NetworkMode: "none" },
    NetworkSettings: { Networks: { none: { IPAddress: "", DNSNames: null } } },
  });
  expect(line).not.toHaveProperty("SizeRw");
});

test("what is kept of a container isn't told when it has changed", () => {
  const { container } = fake.container({ status: "running", pid: 42 });
  const ago = (minutes: bigint): string => formatTime(now() - minutes * 60_000_000_000n);
  container.state.startedAt = ago(120n);
  const of = (): object => new Summaries(fake.services).of(container);
  expect(of()).toMatchObject({ Command: "sh", Status: "Up 2 hours" });
  container.state.startedAt = ago(180n);
  fake.services.store.change(container, { ...container.record, args: ["-e"] });
  expect(of()).toMatchObject({ Command: "sh -e", Status: "Up 3 hours" });
});
