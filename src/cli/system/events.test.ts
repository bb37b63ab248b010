import { expect, test } from "bun:test";
import { eventLine } from "./events.ts";

test("nanoseconds keep all their digits, attributes are sorted", () => {
  const text =
    '{"Type":"volume","Action":"create","Actor":{"ID":"v","Attributes":{"x":"1","driver":"local"}},"time":1795496290,"timeNano":1795496290896812997}';
  const line = eventLine({ event: JSON.parse(text), text });
  expect(line).toMatch(/^2026-11-2\dT\d\d:\d\d:10\.896812997\S+ volume create v \(driver=local, x=1\)$/);
});
