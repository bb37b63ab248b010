import { expect, test } from "bun:test";
import { forVersion } from "./versions-table.ts";

test("the newest version sees what the engine said", () => {
  const answer = [{ Containers: 3 }];
  expect(forVersion("image-list", 51, answer)).toBe(answer);
});

test("images: what each step back takes and gives", () => {
  const list = (version: number): unknown =>
    forVersion("image-list", version, [
      { Size: 5, Containers: 3, Descriptor: {}, RepoTags: ["a:latest"], RepoDigests: [] },
    ]);
  const named = { Size: 5, RepoTags: ["a:latest"], RepoDigests: [] };
  expect(list(51)).toEqual([{ ...named, Containers: 3, Descriptor: {} }]);
  expect(list(50)).toEqual([{ ...named, Containers: -1, Descriptor: {} }]);
  expect(list(47)).toEqual([{ ...named, Containers: -1 }]);
  expect(list(43)).toEqual([{ ...named, Containers: -1, VirtualSize: 5 }]);
  expect(list(42)).toEqual([{ ...named, Containers: -1, VirtualSize: 5, RepoDigests: null }]);
  const inspect = (version: number): unknown =>
    forVersion("image-inspect", version, { Size: 5, Config: { User: "u" }, Created: "t" });
  expect(inspect(50)).toEqual({ Size: 5, Config: { User: "u" }, Created: "t" });
  expect(inspect(49)).toHaveProperty("Config.Hostname", "");
  expect(inspect(45)).not.toHaveProperty("ContainerConfig");
  expect(inspect(44)).toHaveProperty("ContainerConfig.Cmd", null);
  expect(inspect(44)).not.toHaveProperty("VirtualSize");
  expect(inspect(43)).toHaveProperty("VirtualSize", 5);
});

test("information", () => {
  const info = {
    FirewallBackend: {},
    RuncCommit: { ID: "x" },
    RegistryConfig: { Mirrors: null },
    Containerd: {},
    Runtimes: { runc: { path: "runc", status: {} } },
    CgroupVersion: "1",
    SecurityOptions: ["name=seccomp,profile=builtin", "name=userns"],
  };
  expect(forVersion("info", 24, info)).toEqual({
    RuncCommit: { ID: "x", Expected: "x" },
    RegistryConfig: {
      Mirrors: null,
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
    },
    Runtimes: { runc: { path: "runc" } },
    CgroupVersion: "1",
    KernelMemory: true,
    BridgeNfIptables: false,
    BridgeNfIp6tables: false,
    SecurityOptions: ["seccomp", "userns"],
  } as never);
  expect(info.RuncCommit).toEqual({ ID: "x" });
  expect(forVersion("info", 51, info)).toBe(info);
});

test("before 1.45 own names were aliases, on networks of users alone", () => {
  const container = {
    Id: "0123456789abcdef",
    Config: { Hostname: "host" },
    NetworkSettings: { Networks: { bridge: { Aliases: null }, mine: { Aliases: ["a"] } } },
  };
  expect(forVersion("container-inspect", 44, container).NetworkSettings.Networks).toEqual({
    bridge: { Aliases: null },
    mine: { Aliases: ["a", "0123456789ab", "host"] },
  });
});
