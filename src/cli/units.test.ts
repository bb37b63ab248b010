import { expect, test } from "bun:test";
import { bytesSize, humanDuration, humanSize } from "./units.ts";

test.each([
  [0, "0B"],
  [999, "999B"],
  [1000, "1kB"],
  [1_984_230, "1.984MB"],
  [123_456_789, "123.5MB"],
  [999_999, "1000kB"],
  [5e9, "5GB"],
])("%d bytes", (bytes, text) => {
  expect(humanSize(bytes)).toBe(text);
});

test("with three digits", () => {
  expect(humanSize(1_984_230, 3)).toBe("1.98MB");
  expect(humanSize(100e6, 3)).toBe("100MB");
});

test("powers of 1024", () => {
  expect(bytesSize(25_277_640_704)).toBe("23.54GiB");
  expect(bytesSize(1024)).toBe("1KiB");
});

test.each([
  [0, "Less than a second"],
  [1, "1 second"],
  [59, "59 seconds"],
  [60, "About a minute"],
  [119, "About a minute"],
  [120, "2 minutes"],
  [3599, "59 minutes"],
  [3600, "About an hour"],
  [2 * 3600, "2 hours"],
  [48 * 3600, "2 days"],
  [14 * 24 * 3600, "2 weeks"],
  [60 * 24 * 3600, "2 months"],
  [3 * 365 * 24 * 3600, "3 years"],
])("%d seconds", (seconds, text) => {
  expect(humanDuration(seconds)).toBe(text);
});
