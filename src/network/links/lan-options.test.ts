import { expect, test } from "bun:test";
import type { NetworkRecord } from "../types.ts";
import { reachesOut, readIpvlanOptions, readMacvlanOptions } from "./lan-options.ts";

const network = (
  driver: string,
  options: Readonly<Record<string, string>>,
  internal = false,
): NetworkRecord => ({ driver, options, internal }) as NetworkRecord;

test("defaults are Docker's; an empty option is none", () => {
  expect(readMacvlanOptions(network("macvlan", {}))).toEqual({ mode: "bridge", parent: undefined });
  expect(readMacvlanOptions(network("macvlan", { parent: "", macvlan_mode: "" }))).toEqual({
    mode: "bridge",
    parent: undefined,
  });
  expect(readIpvlanOptions(network("ipvlan", { parent: "eth0" }))).toEqual({
    mode: "l2",
    flag: "bridge",
    parent: "eth0",
  });
  expect(readIpvlanOptions(network("ipvlan", { ipvlan_mode: "l3s", ipvlan_flag: "vepa" }))).toMatchObject({
    mode: "l3s",
    flag: "vepa",
  });
});

test.each([
  [
    () => readMacvlanOptions(network("macvlan", { macvlan_mode: "l2" })),
    "requested macvlan mode 'l2' is not valid, 'bridge' mode is the macvlan driver default",
  ],
  [
    () => readMacvlanOptions(network("macvlan", { parent: "lo" })),
    "loopback interface is not a valid macvlan parent link",
  ],
  [
    () => readIpvlanOptions(network("ipvlan", { ipvlan_mode: "L2" })),
    "requested ipvlan mode 'L2' is not valid, 'l2' mode is the ipvlan driver default",
  ],
  [
    () => readIpvlanOptions(network("ipvlan", { ipvlan_flag: "x" })),
    "requested ipvlan flag 'x' is not valid, 'bridge' is the ipvlan driver default",
  ],
  [
    () => readIpvlanOptions(network("ipvlan", { parent: "lo" })),
    "loopback interface is not a valid ipvlan parent link",
  ],
])("refused: %#", (read, text) => {
  expect(read).toThrow(text);
});

test("without a parent, or when it is internal, a network reaches nothing beyond it", () => {
  expect(reachesOut(network("macvlan", {}), { parent: "eth0" })).toBe(true);
  expect(reachesOut(network("macvlan", {}), { parent: undefined })).toBe(false);
  expect(reachesOut(network("macvlan", {}, true), { parent: "eth0" })).toBe(false);
});
