import { expect, test } from "bun:test";
import type { HostConfig } from "../container-types.ts";
import { completeHostConfig } from "../host-config.ts";
import { defaults } from "../testing.ts";
import { accessOf, accessOfExisting, hostVolume } from "./host-access.ts";

const asks = (host: Partial<HostConfig>): string[] =>
  accessOf({ HostConfig: host }).map(({ kind, what }) => `${kind} ${what}`);

test("a plain container asks for nothing, as a client says it and as the engine completes it", () => {
  expect(accessOf({})).toEqual([]);
  expect(accessOf({ HostConfig: null })).toEqual([]);
  // As docker's command line sends it.
  expect(
    asks({
      Binds: null,
      NetworkMode: "bridge",
      CapAdd: null,
      SecurityOpt: null,
      MaskedPaths: null,
      ReadonlyPaths: null,
      CgroupnsMode: "",
      Privileged: false,
    }),
  ).toEqual([]);
  expect(accessOfExisting(completeHostConfig({}, defaults))).toEqual([]);
});

test("capabilities are compared as they are meant", () => {
  expect(asks({ CapAdd: ["net_raw", "CAP_CHOWN"] })).toEqual([]);
  expect(asks({ CapAdd: ["cap_sys_admin"] })).toEqual(["privilege --cap-add cap_sys_admin"]);
});

test("sources of mounts", () => {
  expect(asks({ Binds: ["name:/x", "name.2:/x:ro"] })).toEqual([]);
  for (const source of ["/", "./x", "~/x", "a/b"])
    expect(asks({ Binds: [`${source}:/x`] })).toEqual([`mount a bind of ${source}`]);
  expect(asks({ Mounts: [{ Type: "tmpfs", Target: "/x" }] })).toEqual([]);
  expect(asks({ Mounts: [{ Type: "npipe", Source: "x", Target: "/x" }] })).toEqual([
    "mount a mount of type npipe of x",
  ]);
  expect(hostVolume("local", { type: "tmpfs", device: "tmpfs", o: "size=1m" })).toBeUndefined();
  expect(hostVolume("", { size: "1g" })).toBeUndefined();
  expect(hostVolume(undefined, { type: "nfs", device: ":/x", o: "addr=1.2.3.4" })).toContain("on the host");
  expect(hostVolume("sshfs", null)).toBe("the volume driver sshfs");
});

test("a field that nobody has decided on is a privilege", () => {
  expect(asks({ Novelty: 1 } as Partial<HostConfig>)).toEqual(["privilege Novelty"]);
});
