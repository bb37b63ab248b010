import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCniList, parseCniList } from "./config.ts";
import { cniAdd, cniDelete, type CniAttachment } from "./execute.ts";
import { readCniResult } from "./result.ts";

async function inFolder(body: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "caisson-cni-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("lists are found by their file, or by the network's name", async () =>
  inFolder((folder) => {
    const write = (file: string, value: unknown): void =>
      writeFileSync(join(folder, file), typeof value === "string" ? value : JSON.stringify(value));
    write("00-broken.conflist", "{");
    write("10-a.conflist", { name: "a", cniVersion: "1.0.0", plugins: [{ type: "bridge", x: 1 }] });
    write("20-b.conf", { name: "b", cniVersion: "0.4.0", type: "ptp" });
    write("30-c.txt", { name: "c", cniVersion: "1.0.0", type: "ptp" });
    const find = (name: string, options = {}): unknown => findCniList({ name, options }, folder);
    expect(find("a")).toEqual({
      name: "a",
      cniVersion: "1.0.0",
      plugins: [{ type: "bridge", x: 1 }],
    });
    expect(find("b")).toMatchObject({ name: "b", plugins: [{ type: "ptp", name: "b" }] });
    expect(find("other", { config: join(folder, "10-a.conflist") })).toMatchObject({ name: "a" });
    expect(() => find("c")).toThrow("network c names no configuration of CNI");
    expect(() => find("a", { config: "relative" })).toThrow("the path is not absolute");
    expect(() => find("a", { config: join(folder, "00-broken.conflist") })).toThrow("read CNI configuration");
  }));

test("what can't be used is refused", () => {
  const refused = (value: unknown): (() => unknown) => {
    return () => parseCniList(JSON.stringify(value));
  };
  const good = { name: "n", cniVersion: "1.0.0", plugins: [{ type: "x" }] };
  expect(parseCniList(JSON.stringify(good)).plugins).toHaveLength(1);
  expect(refused([])).toThrow("it is no JSON object");
  expect(refused({ ...good, name: "" })).toThrow("it has no name");
  expect(refused({ ...good, cniVersion: "0.2.0" })).toThrow("version 0.2.0 of CNI is not supported");
  expect(refused({ ...good, plugins: [] })).toThrow("it has no plugins");
  expect(refused({ ...good, plugins: [{}] })).toThrow("a plugin has no type");
  expect(refused({ ...good, plugins: [{ type: "../sh" }] })).toThrow("../sh is no type of a plugin");
});

test("a result becomes an endpoint", () => {
  const result = {
    interfaces: [
      { name: "cni0", mac: "1" },
      { name: "eth0", mac: "02:00:00:00:00:01", sandbox: "/x" },
    ],
    ips: [
      { address: "10.0.0.9/24", interface: 0 },
      { address: "10.0.0.5/24", gateway: "10.0.0.1", interface: 1 },
      { address: "fd00::5/64", gateway: "fd00::1", interface: 1 },
    ],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "fd01::/64", gw: "fd00::7" }],
    dns: { nameservers: ["10.0.0.53"] },
  };
  expect(readCniResult(result, "eth0")).toEqual({
    ipv4: "10.0.0.5",
    ipv6: "fd00::5",
    mac: "02:00:00:00:00:01",
    foreign: {
      asked: true,
      prefix4: 24,
      prefix6: 64,
      gateway4: "10.0.0.1",
      gateway6: "fd00::1",
      routes: [
        { destination: "0.0.0.0/0", via: "10.0.0.1" },
        { destination: "fd01::/64", via: "fd00::7" },
      ],
      servers: ["10.0.0.53"],
      result: JSON.stringify(result),
    },
  });
  expect(readCniResult({}, "eth0")).toEqual({ mac: "", foreign: { asked: true, routes: [], result: "{}" } });
});

const attachment: CniAttachment = {
  container: "c1",
  namespace: "/proc/1/fd/7",
  interface: "eth0",
  ports: [{ hostPort: 80, containerPort: 8080, protocol: "tcp" }],
  addresses: ["10.0.0.5"],
};

test("a chain: each gets the result of the one before, DEL goes backwards, all of it", async () =>
  inFolder(async (folder) => {
    const before = process.env["CNI_PATH"];
    process.env["CNI_PATH"] = folder;
    try {
      const log = join(folder, "log");
      const plugin = (name: string, script: string): void => {
        const head = `#!/bin/sh\nin=$(cat)\necho "${name} $CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $in" >>${log}\n`;
        writeFileSync(join(folder, name), head + script);
        chmodSync(join(folder, name), 0o755);
      };
      plugin("one", `echo '{"from":"one"}'`);
      plugin(
        "two",
        `[ $CNI_COMMAND = ADD ] && echo '{"from":"two"}' && exit; echo '{"code":7,"msg":"no","details":"way"}'; exit 1`,
      );
      const list = parseCniList(
        JSON.stringify({
          name: "n",
          cniVersion: "1.0.0",
          plugins: [{ type: "one" }, { type: "two", capabilities: { portMappings: true } }],
        }),
      );
      expect(await cniAdd(list, attachment)).toEqual({ from: "two" });
      expect(cniDelete(list, attachment, { from: "two" })).rejects.toThrow("CNI plugin two: DEL: no; way");
      const common = { name: "n", cniVersion: "1.0.0" };
      const lines = readFileSync(log, "utf8").trim().split("\n");
      expect(lines.map((line) => line.slice(0, line.indexOf(" {")))).toEqual([
        "one ADD c1 /proc/1/fd/7 eth0",
        "two ADD c1 /proc/1/fd/7 eth0",
        "two DEL c1 /proc/1/fd/7 eth0",
        "one DEL c1 /proc/1/fd/7 eth0",
      ]);
      const inputs: unknown[] = lines.map((line) => JSON.parse(line.slice(line.indexOf(" {") + 1)));
      const runtimeConfig = { portMappings: attachment.ports };
      expect(inputs).toEqual([
        { type: "one", ...common },
        { type: "two", ...common, runtimeConfig, prevResult: { from: "one" } },
        { type: "two", ...common, runtimeConfig, prevResult: { from: "two" } },
        { type: "one", ...common, prevResult: { from: "two" } },
      ]);
      expect(cniAdd({ ...list, plugins: [{ type: "three" }] }, attachment)).rejects.toThrow(
        `CNI plugin three not found in ${folder}`,
      );
    } finally {
      if (before === undefined) delete process.env["CNI_PATH"];
      else process.env["CNI_PATH"] = before;
    }
  }));
