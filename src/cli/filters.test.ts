import { expect, test } from "bun:test";
import { toFilters } from "./filters.ts";

test("values of the same name are gathered, names are in lower case", () => {
  expect(toFilters(["Label=a=b", "label=c", " status = up ", ""])).toEqual({
    label: ["a=b", "c"],
    status: ["up"],
  });
});
