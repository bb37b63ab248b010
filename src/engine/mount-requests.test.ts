import { expect, test } from "bun:test";
import type { MountRequest } from "./container-types.ts";
import { parseBind, parseMount, parseVolumesFrom } from "./mount-requests.ts";

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
  expect(parseBind("vol:/data")).toMatchObject({ type: "volume", name: "vol", copyUp: true, mode: "" });
  expect(parseBind("vol:/data:nocopy").copyUp).toBe(false);
  expect(parseBind("vol:/data", "other").driver).toBe("other");
  expect(parseBind("/data")).toMatchObject({ type: "volume", destination: "/data", anonymous: true });
});

// All else that is refused is compared with dockerd's words in test/mounts/specs.test.ts.
test.each([
  ["/a:/proc/sys", "cannot be mounted because it is inside /proc"],
  ["volume:/x/../proc", "cannot be mounted because it is inside /proc"],
])("%s is refused", (bind, text) => {
  expect(() => parseBind(bind)).toThrow(text);
});

test("mounts in the long form; a bind's source must exist", () => {
  const bind = parseMount({ Type: "bind", Source: "/srv", Target: "/data", ReadOnly: true });
  expect(bind).toMatchObject({ mustExist: true, writable: false, recursiveReadOnly: true });
  const options = { SizeBytes: 3 << 20, Mode: 0o700, Options: [["exec"]] };
  const tmpfs = parseMount({ Type: "tmpfs", Target: "/t", TmpfsOptions: options });
  expect(tmpfs.tmpfsOptions).toEqual(["noexec", "nosuid", "nodev", "mode=700", "size=3m", "exec"]);
});

test("a volume's part, labels and driver", () => {
  const volume = (options: MountRequest["VolumeOptions"]): ReturnType<typeof parseMount> =>
    parseMount({ Type: "volume", Source: "v", Target: "/x", VolumeOptions: options });
  expect(volume({ Subpath: "a/../b/" })).toMatchObject({ subpath: "b", copyUp: false });
  expect(volume({ Subpath: "." }).subpath).toBeUndefined();
  expect(volume({ Labels: { a: "1" }, DriverConfig: { Name: "d", Options: { b: "2" } } })).toMatchObject({
    driver: "d",
    creation: { labels: { a: "1" }, options: { b: "2" } },
  });
});

test("whose volumes, and whether to write to them", () => {
  expect(parseVolumesFrom("web")).toEqual({ container: "web", writable: true });
  expect(parseVolumesFrom("web:ro,z")).toEqual({ container: "web", writable: false });
});
