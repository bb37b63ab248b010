import { expect, test } from "bun:test";
import { createRouter } from "./routes/mod.ts";
import { parseVersion } from "./versions.ts";

const router = createRouter();
const find = (method: string, url: string): [string, number, string, readonly string[]] => {
  const { route, version, search, captures } = router.find(method, url);
  return [route.path, version, search, captures];
};

test("names with slashes, colons, escapes; paths that look like them", () => {
  expect(find("GET", "/v1.40/images/localhost:5000/a/b:c@sha256:d/json?x=1")).toEqual([
    "/images/*name/json",
    40,
    "x=1",
    ["localhost:5000/a/b:c@sha256:d"],
  ]);
  expect(find("GET", "/images/json")).toEqual(["/images/json", 51, "", []]);
  expect(find("GET", "/images/json/json")).toEqual(["/images/*name/json", 51, "", ["json"]]);
  expect(find("GET", "/containers/%2Fname/json")[3]).toEqual(["/name"]);
  expect(find("GET", "/images/get/get")[3]).toEqual(["get"]);
  expect(find("DELETE", "/containers/c/checkpoints/p")[0]).toBe("/containers/*name/checkpoints/:checkpoint");
  expect(find("DELETE", "/volumes/a/b")[3]).toEqual(["a/b"]);
});

test("other methods, other ends and escapes of nothing are no pages", () => {
  for (const [method, url] of [
    ["DELETE", "/info"],
    ["GET", "/INFO"],
    ["GET", "/info/"],
    ["GET", "/containers/%ff/json"],
    ["GET", "/containers/a%0Ab/json"],
    ["GET", "/"],
    ["GET", "info"],
    ["HEAD", "/info"],
    ["GET", "/v/info"],
  ] as const)
    expect(() => router.find(method, url)).toThrow("page not found");
});

test("a wrong escape is told; a whole URL is its path", () => {
  for (const path of ["/containers/%zz/json", "/info%zz"])
    expect(() => router.find("GET", path)).toThrow('invalid URL escape "%zz"');
  expect(find("GET", "http://docker/v1.40/images/json?a=b")).toEqual(["/images/json", 40, "a=b", []]);
});

test("versions", () => {
  expect([parseVersion("1.24"), parseVersion("1.51"), parseVersion("1.24.1"), parseVersion("01.30")]).toEqual(
    [24, 51, 24, 30],
  );
  for (const old of ["1.23", "1", "0.9"])
    expect(() => parseVersion(old)).toThrow(`client version ${old} is too old`);
  for (const late of ["1.52", "2.0", "1.51.1"])
    expect(() => parseVersion(late)).toThrow(`client version ${late} is too new`);
});
