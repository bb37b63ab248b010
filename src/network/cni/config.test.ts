import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCniList, parseCniList } from "./config.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-cni-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const list = (name: string, more: object = {}): string =>
  JSON.stringify({
    cniVersion: "1.0.0",
    name,
    plugins: [{ type: "bridge", x: 1 }, { type: "portmap" }],
    ...more,
  });

describe("what is read", () => {
  test("a list keeps what its plugins are given", () => {
    expect(parseCniList(list("net"))).toEqual({
      cniVersion: "1.0.0",
      name: "net",
      plugins: [{ type: "bridge", x: 1 }, { type: "portmap" }],
    });
  });

  test("the configuration of one plugin is a list of it", () => {
    const one = { cniVersion: "0.4.0", name: "net", type: "macvlan", master: "eth0" };
    expect(parseCniList(JSON.stringify(one))).toEqual({ cniVersion: "0.4.0", name: "net", plugins: [one] });
  });

  test.each([
    ["[]", "it is no JSON object"],
    [list(""), "it has no name"],
    [list("x", { cniVersion: "2.0.0" }), "version 2.0.0 of CNI is not supported"],
    ['{"name":"x","type":"bridge"}', "version 0.1.0 of CNI is not supported"],
    [list("x", { plugins: [] }), "it has no plugins"],
    [list("x", { plugins: ["bridge"] }), "a plugin has no type"],
    [list("x", { plugins: [{}] }), "a plugin has no type"],
    [list("x", { plugins: [{ type: "../../bin/sh" }] }), "../../bin/sh is no type of a plugin"],
    [list("x", { plugins: [{ type: ".." }] }), ".. is no type of a plugin"],
  ])("%s", (text, problem) => {
    expect(() => parseCniList(text)).toThrow(problem);
  });
});

describe("where it is found", () => {
  test("by the network's name, in the order of files; what can't be read is somebody else's", () => {
    writeFileSync(join(folder, "00-broken.conflist"), "{");
    writeFileSync(join(folder, "10-other.conf"), list("other"));
    writeFileSync(join(folder, "20-net.conflist"), list("net", { cniVersion: "0.3.1" }));
    writeFileSync(join(folder, "30-net.json"), list("net"));
    writeFileSync(join(folder, "05-net.txt"), list("net", { cniVersion: "1.1.0" }));
    expect(findCniList({ name: "net", options: {} }, folder).cniVersion).toBe("0.3.1");
    expect(() => findCniList({ name: "nosuch", options: {} }, folder)).toThrow(
      `network nosuch names no configuration of CNI (option config=FILE), and ${folder} has none of this name`,
    );
    expect(() => findCniList({ name: "net", options: {} }, join(folder, "nosuch"))).toThrow(
      "has none of this name",
    );
  });

  test("in the file that the option names, whatever name it has", () => {
    const config = join(folder, "x");
    writeFileSync(config, list("other"));
    expect(findCniList({ name: "net", options: { config } }, folder).name).toBe("other");
    expect(() => findCniList({ name: "net", options: { config: "x" } }, folder)).toThrow(
      "the path is not absolute",
    );
    expect(() => findCniList({ name: "net", options: { config: "/nosuch/x" } }, folder)).toThrow(
      "read CNI configuration /nosuch/x: ",
    );
  });
});
