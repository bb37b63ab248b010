import { expect, test } from "bun:test";
import { deviceRuleText, isEmpty, rdmaLine } from "./resources.ts";

test("what has only undefined members is empty", () => {
  expect([undefined, {}, { a: undefined }].map((part) => isEmpty(part))).toEqual([true, true, true]);
  expect([{ a: 0 }, { a: null }, { a: undefined, b: "" }].map((part) => isEmpty(part))).toEqual([
    false,
    false,
    false,
  ]);
});

test("device rules as version 1 writes them", () => {
  const base = { allow: true, access: "rwm" } as const;
  expect(deviceRuleText({ ...base, type: "c", major: 1, minor: 3 })).toBe("c 1:3 rwm");
  expect(deviceRuleText({ ...base, type: "b", access: "r" })).toBe("b *:* r");
  expect(deviceRuleText({ ...base, type: "c", major: 0 })).toBe("c 0:* rwm");
  expect(deviceRuleText({ ...base, type: "a" })).toBe("a");
});

test("a line of rdma.max has what is limited alone", () => {
  expect(rdmaLine("mlx5_0", { hcaHandles: 2, hcaObjects: 0 })).toBe("mlx5_0 hca_handle=2 hca_object=0");
  expect(rdmaLine("mlx5_0", { hcaObjects: 5 })).toBe("mlx5_0 hca_object=5");
});
