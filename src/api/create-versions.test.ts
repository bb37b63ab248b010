import { expect, test } from "bun:test";
import type { CreateBody } from "../engine/mod.ts";
import { createFromVersion } from "./create-versions.ts";

const mount = (fields: object): CreateBody =>
  ({ HostConfig: { Mounts: [{ Target: "/m", ...fields }] } }) as unknown as CreateBody;

test("requests: what didn't exist is dropped or refused, what was the default is said", () => {
  const body = (): CreateBody =>
    ({
      Healthcheck: { StartInterval: 1 },
      HostConfig: { ConsoleSize: [1, 2], Annotations: { a: "b" }, PidsLimit: 0 },
    }) as unknown as CreateBody;
  expect<unknown>(createFromVersion(51, body())).toEqual({
    Healthcheck: { StartInterval: 1 },
    HostConfig: { ConsoleSize: [1, 2], Annotations: { a: "b" } },
  });
  expect<unknown>(createFromVersion(39, body())).toEqual({
    Healthcheck: {},
    HostConfig: { IpcMode: "shareable" },
  });
  const options = {
    Type: "bind",
    ReadOnly: true,
    BindOptions: { CreateMountpoint: true, NonRecursive: true },
  };
  expect<unknown>(createFromVersion(39, mount(options))).toEqual({
    HostConfig: {
      IpcMode: "shareable",
      Mounts: [{ Target: "/m", Type: "bind", ReadOnly: true, BindOptions: { ReadOnlyNonRecursive: true } }],
    },
  });
  const foreign = { Type: "bind", VolumeOptions: { NoCopy: true } };
  expect<unknown>(createFromVersion(41, mount(foreign))).toEqual({
    HostConfig: { Mounts: [{ Target: "/m", Type: "bind" }] },
  });
  expect(() => createFromVersion(42, mount(foreign))).toThrow(
    'VolumeOptions must not be specified on mount type "bind"',
  );
});

test("requests: what needs a newer version says which", () => {
  const refused: [number, CreateBody, string][] = [
    [
      43,
      mount({ Type: "bind", BindOptions: { ReadOnlyForceRecursive: true } }),
      "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer",
    ],
    [
      44,
      mount({ Type: "volume", VolumeOptions: { Subpath: "a" } }),
      "VolumeOptions.Subpath needs API v1.45 or newer",
    ],
    [
      45,
      mount({ Type: "tmpfs", TmpfsOptions: { Options: [["exec"]] } }),
      "TmpfsOptions.Options needs API v1.46 or newer",
    ],
    [47, mount({ Type: "image" }), 'Mount type "Image" needs API v1.48 or newer'],
    [
      43,
      { NetworkingConfig: { EndpointsConfig: { a: null, b: null } } },
      "Container cannot be created with multiple network endpoints: a, b",
    ],
  ];
  for (const [version, body, message] of refused) {
    expect(() => createFromVersion(version, structuredClone(body))).toThrow(message);
    expect(() => createFromVersion(51, structuredClone(body))).not.toThrow();
  }
});
