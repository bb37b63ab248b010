import { expect, test } from "bun:test";
import { completeHostConfig } from "./host-config.ts";
import { mountPoints } from "./mount-points.ts";
import type { HostConfig } from "./container-types.ts";
import { defaults } from "./testing.ts";

const points = (
  host: Partial<HostConfig>,
  volumes: Record<string, object> | null = null,
): ReturnType<typeof mountPoints> =>
  mountPoints({ Volumes: volumes as null }, completeHostConfig({ HostConfig: host }, defaults));

test("an image's volumes become anonymous ones unless something else is there", () => {
  const all = points({ Binds: ["/srv:/a"] }, { "/a": {}, "/b": {} });
  expect(all.map(({ destination, type, anonymous }) => [destination, type, anonymous])).toEqual([
    ["/a", "bind", false],
    ["/b", "volume", true],
  ]);
});

test("one place has one mount; an unknown option of a tmpfs", () => {
  expect(() => points({ Binds: ["/a:/x", "/b:/x/"] })).toThrow("Duplicate mount point: /x");
  expect(() => points({ Tmpfs: { "/x": "evil=1" } })).toThrow('invalid tmpfs option "evil"');
});

test("another container's mounts come first, and with no more rights than they have there", () => {
  const theirs = points({
    Binds: ["/srv:/a:ro", "/srv:/b", "v:/c"],
    Tmpfs: { "/t": "" },
  });
  const ours = mountPoints(
    { Volumes: { "/c": {} } },
    completeHostConfig({ HostConfig: { VolumesFrom: ["them:ro"], Binds: ["/usr:/b"] } }, defaults),
    () => theirs,
  );
  expect(
    ours.map(({ destination, source, writable, copyUp }) => [destination, source, writable, copyUp]),
  ).toEqual([
    ["/a", "/srv", false, false],
    ["/b", "/usr", true, false],
    ["/c", "", false, false],
  ]);
});
