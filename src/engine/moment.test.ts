import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { parseMoment } from "./moment.ts";

const now = 1_700_000_000_000_000_000n;
const second = 1_000_000_000n;

test.each([
  ["1h30m", now - 5400n * second],
  ["-10m", now + 600n * second],
  ["+10m", now - 600n * second],
  [".5h", now - 1800n * second],
  ["5.h", now - 18_000n * second],
  ["1µs", now - 1000n],
  ["0h", now],
  ["0", 0n],
  ["0.5", second / 2n],
  ["1600000000.25", 1_600_000_000n * second + second / 4n],
  ["2020-01-01T00:00:00Z", 1_577_836_800n * second],
  ["2020-01-01Z", 1_577_836_800n * second],
  ["2020-01-01T10Z", 1_577_872_800n * second],
  ["2020-01-01T00:00:00.5+01:00", 1_577_833_200n * second + second / 2n],
  ["2020-01-01", BigInt(new Date(2020, 0, 1).getTime()) * 1_000_000n],
  ["2020-01-01T01:02", BigInt(new Date(2020, 0, 1, 1, 2).getTime()) * 1_000_000n],
])("%s", (text, expected) => expect(parseMoment(text, now)).toBe(expected));

// As dockerd 28.5.2 said.
test.each([
  ["2024-01", 'parsing time "2024-01" as "2006-01-02": cannot parse "" as "-"'],
  ["2024-01-01T", 'parsing time "2024-01-01T" as "2006-01-02T15": cannot parse "" as "15"'],
  ["2024-13-01", 'parsing time "2024-13-01": month out of range'],
  ["2024-02-30", 'parsing time "2024-02-30": day out of range'],
  ["2024-01-01 01:02", 'parsing time "2024-01-01 01:02": extra text: " 01:02"'],
  ["-1", 'parsing time "-1" as "2006-01-02": cannot parse "-1" as "2006"'],
  ["-1.5", 'parsing time "-1.5" as "2006-01-02T15:04:05.999999999": cannot parse "-1.5" as "2006"'],
  ["1000000000000000000000", 'failed to parse value as time or duration: "1000000000000000000000"'],
  ["99999999999999999999h", 'failed to parse value as time or duration: "99999999999999999999h"'],
  ["", 'failed to parse value as time or duration: ""'],
])("%s is none", (text, expected) => {
  expect(messageOf(attempt(text))).toBe(expected);
});

function attempt(text: string): unknown {
  try {
    return parseMoment(text, now);
  } catch (error) {
    return error;
  }
}
