import { expect, test } from "bun:test";
import { completeHostConfig } from "./host-config.ts";
import { defaults } from "./testing.ts";
import { chooseUserNamespace } from "./user-namespace.ts";

const choose = (
  host: object,
  facts: Partial<Parameters<typeof chooseUserNamespace>[1]> = {},
): ReturnType<typeof chooseUserNamespace> =>
  chooseUserNamespace(completeHostConfig({ HostConfig: host }, defaults), { byDefault: "auto", ...facts });

test("by default a container has a user namespace of its own", () => {
  expect(choose({})).toEqual({ mode: "private", reason: "default" });
});

test("whoever shares the host's namespaces or asks for it keeps the host's, and the reason is told", () => {
  for (const [host, reason] of [
    [{ UsernsMode: "host" }, "--userns=host"],
    [{ Privileged: true }, "--privileged"],
    [{ NetworkMode: "host" }, "--network=host"],
    [{ PidMode: "host" }, "--pid=host"],
    [{ IpcMode: "host" }, "--ipc=host"],
    [{ UTSMode: "host" }, "--uts=host"],
  ] as const) {
    expect(choose(host)).toEqual({ mode: "host", reason });
  }
});

test("what the host can't do is told", () => {
  expect(choose({}, { byDefault: "host" }).reason).toContain("started with");
  expect(choose({}, { unmappableLayers: "nfs" }).reason).toContain("nfs");
  expect(choose({}, { unmappableSource: { source: "/x", reason: "fuse" } })).toEqual({
    mode: "host",
    reason: "/x can't be mapped: fuse",
  });
});

test("whoever joins a container's namespaces shares its user namespace", () => {
  expect(choose({ NetworkMode: "container:a" }, { joinsPrivate: true }).mode).toBe("container");
  expect(choose({ NetworkMode: "container:a" }, { joinsPrivate: false }).mode).toBe("host");
});
