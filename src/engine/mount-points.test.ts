import { expect, test } from "bun:test";
import { completeHostConfig } from "./host-config.ts";
import { mountPoints, parseBind } from "./mount-points.ts";
import type { HostConfig } from "./container-types.ts";
import { defaults } from "./testing.ts";

const points = (
  host: Partial<HostConfig>,
  volumes: Record<string, object> | null = null,
): ReturnType<typeof mountPoints> =>
  mountPoints({ Volumes: volumes as null }, completeHostConfig({ HostConfig: host }, defaults));

test("binds in Docker's short form", () => {
  expect(parseBind("/a/../srv/:/data:ro,rslave")).toMatchObject({
    type: "bind",
    source: "/srv",
    destination: "/data",
    writable: false,
    recursiveReadOnly: true,
    propagation: "rslave",
    mustExist: false,
  });
  expect(parseBind("vol:/data")).toMatchObject({ type: "volume", name: "vol", copyUp: true, mode: "z" });
  expect(parseBind("vol:/data:nocopy").copyUp).toBe(false);
});

test.each([
  ["/a", "invalid volume specification: '/a'"],
  ["/a:/b:c:d", "invalid volume specification"],
  ["/a:b", "invalid mount path: 'b' mount path must be absolute"],
  ["/a:/", "destination can't be '/'"],
  ["/a:/b:nonsense", "invalid mode: nonsense"],
  ["a b:/c", "includes invalid characters for a local volume name"],
  ["/a:/proc/sys", "cannot be mounted because it is inside /proc"],
  ["volume:/x/../proc", "cannot be mounted because it is inside /proc"],
  ["/a:/b:nocopy", 'invalid mount config for type "bind": field VolumeOptions must not be specified'],
  ["/a:/", "type \"bind\": invalid specification: destination can't be '/'"],
  ["name:rel", "invalid mount path: 'rel' mount path must be absolute"],
])("%s is refused", (bind, text) => {
  expect(() => parseBind(bind)).toThrow(text);
});

test("mounts in the long form; a bind's source must exist", () => {
  const [bind, tmpfs] = points({
    Mounts: [
      { Type: "bind", Source: "/srv", Target: "/data", ReadOnly: true },
      { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1024, Mode: 0o700 } },
    ],
  });
  expect(bind).toMatchObject({ mustExist: true, writable: false, recursiveReadOnly: true });
  expect(tmpfs?.tmpfsOptions).toEqual(["noexec", "nosuid", "nodev", "size=1024", "mode=700"]);
});

test("an image's volumes become anonymous ones unless something else is there", () => {
  const all = points({ Binds: ["/srv:/a"] }, { "/a": {}, "/b": {} });
  expect(all.map(({ destination, type, anonymous }) => [destination, type, anonymous])).toEqual([
    ["/a", "bind", false],
    ["/b", "volume", true],
  ]);
});

test("two mounts in one place, options of another type, an unknown type", () => {
  expect(() => points({ Binds: ["/a:/x", "/b:/x/"] })).toThrow("Duplicate mount point: /x");
  expect(() => points({ Mounts: [{ Type: "bind", Source: "/a", Target: "/x", TmpfsOptions: {} }] })).toThrow(
    'invalid mount config for type "bind": field TmpfsOptions must not be specified',
  );
  expect(() => points({ Mounts: [{ Type: "nonsense" as "bind", Target: "/x" }] })).toThrow(
    'invalid mount config for type "nonsense": mount type unknown',
  );
  expect(() => points({ Tmpfs: { "/x": "evil=1" } })).toThrow('invalid tmpfs option "evil"');
});
