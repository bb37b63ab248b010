import { expect, test } from "bun:test";
import { capabilities } from "./capabilities.ts";

test("names are brought to their full form, once each, sorted", () => {
  expect(capabilities(["net_admin", "CAP_CHOWN", " chown "], ["kill"])).toEqual({
    CapAdd: ["CAP_CHOWN", "CAP_NET_ADMIN"],
    CapDrop: ["CAP_KILL"],
  });
});

test("ALL stands for every other name in its list", () => {
  expect(capabilities(["all", "chown"], ["kill", "ALL"])).toEqual({ CapAdd: ["ALL"], CapDrop: [] });
  expect(capabilities(["chown"], ["all", "chown"])).toEqual({ CapAdd: ["CAP_CHOWN"], CapDrop: ["ALL"] });
});

test("what is added isn't dropped, RESET is left out", () => {
  expect(capabilities(["chown", "reset"], ["CAP_CHOWN", "kill"])).toEqual({
    CapAdd: ["CAP_CHOWN"],
    CapDrop: ["CAP_KILL"],
  });
});
