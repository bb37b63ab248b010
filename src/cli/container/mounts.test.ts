import { expect, test } from "bun:test";
import { parseMount, parseVolumes } from "./mounts.ts";

test.each([
  ["type=bind,src=/a,dst=/b,ro", { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true }],
  ["dst=/v", { Type: "volume", Target: "/v" }],
  ["type=bind,source=./x,target=/b", { Type: "bind", Source: `${process.cwd()}/x`, Target: "/b" }],
  [
    "type=volume,src=v,dst=/v,volume-label=a=b,volume-label=c=d,volume-driver=d,volume-opt=x=y",
    {
      Type: "volume",
      Source: "v",
      Target: "/v",
      VolumeOptions: { Labels: { a: "b", c: "d" }, DriverConfig: { Name: "d", Options: { x: "y" } } },
    },
  ],
  [
    "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777",
    { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1024 ** 2, Mode: 0o1777 } },
  ],
  [
    "type=bind,src=/a,dst=/b,readonly=false,bind-recursive=disabled",
    { Type: "bind", Source: "/a", Target: "/b", ReadOnly: false, BindOptions: { NonRecursive: true } },
  ],
])("%p", (text, mount) => {
  expect(parseMount(text)).toEqual(mount as ReturnType<typeof parseMount>);
});

test.each([
  ["", "value is empty"],
  ["type=bind", "target is required"],
  ["type=bind,foo=bar,dst=/x", "unexpected key 'foo' in 'foo=bar'"],
  ["foo", "invalid field 'foo' must be a key=value pair"],
  ["type=", "invalid value for 'type': value is empty"],
  ["type =bind", "invalid option 'type' in 'type =bind': option should not have whitespace"],
  ["type=tmpfs,dst=/x,tmpfs-size=z", "invalid value for tmpfs-size: z"],
  ["type=tmpfs,dst=/x,tmpfs-mode=9", "invalid value for tmpfs-mode: 9"],
  ["type=bind,dst=/x,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"],
  ["type=bind,dst=/x,bind-recursive=readonly", "'bind-recursive=readonly' requires 'readonly'"],
])("%p is refused", (text, what) => {
  expect(() => parseMount(text)).toThrow(what);
});

test("volumes with a source are binds, those without are anonymous", () => {
  expect(parseVolumes(["/a:/b", "v:/c:ro", "/anonymous", "./rel:/d", "/a:/b"])).toEqual({
    binds: ["/a:/b", "v:/c:ro", `${process.cwd()}/rel:/d`],
    volumes: { "/anonymous": {} },
  });
  expect(() => parseVolumes([":/x"])).toThrow("invalid spec: :/x: empty section between colons");
  expect(() => parseVolumes(["/a:/b:ro:x"])).toThrow("too many colons");
});
