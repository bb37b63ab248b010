import { expect, test } from "bun:test";
import { jsonFormOf, keyOf, type DaemonSetting } from "./daemon-setting.ts";

const setting = (more: Partial<DaemonSetting>): DaemonSetting =>
  ({ name: "dns-opt", type: "list", usage: "", ...more }) as DaemonSetting;

test("a key is the flag's name, unless it has its own", () => {
  expect(keyOf(setting({}))).toBe("dns-opt");
  expect(keyOf(setting({ key: "dns-opts" }))).toBe("dns-opts");
});

test("a value looks as its flag's type suggests, unless the setting says otherwise", () => {
  const types = ["bool", "int", "list", "map", "ulimit", "string"] as const;
  expect(types.map((type) => jsonFormOf(setting({ type })))).toEqual([
    "bool",
    "int",
    "strings",
    "map",
    "ulimits",
    "string",
  ]);
  expect(jsonFormOf(setting({ type: "list", json: "pools" }))).toBe("pools");
});
