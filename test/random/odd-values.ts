/**
 * Values that no well-meaning client sends.
 * @module
 */
import fc from "fast-check";

/** Strings that are a name, a path, a number, a piece of some syntax, or none of these. */
export const oddStrings: readonly string[] = [
  "",
  " ",
  "z y",
  " z",
  "z\u0000z",
  "z\nz",
  "z\tz",
  "\u001b[31mz",
  "zü",
  "z日本",
  "z😀",
  "z\u202ez",
  "z\uffff",
  ".",
  "..",
  "../..",
  "../../../../etc/passwd",
  "/",
  "//",
  "/..",
  "z/../z",
  "./z",
  "/z",
  "z/",
  "/z/",
  "z/z/z",
  "%",
  "%zz",
  "%00",
  "%2e%2e",
  "%2fz",
  "-",
  "-z",
  "--z",
  "_z",
  "Z",
  "zZ",
  "z".repeat(64),
  "z".repeat(256),
  "z".repeat(5000),
  "-1",
  "+1",
  "00",
  "0x10",
  "1e3",
  "1.5",
  "99999",
  "9".repeat(30),
  "-".concat("9".repeat(30)),
  "NaN",
  "null",
  "true",
  "$(id)",
  "`id`",
  "'",
  '"',
  "\\",
  "<z>",
  "{}",
  "[]",
  "{",
  "z:z",
  ":z",
  "z:",
  ":",
  "z:z:z:z",
  "z@z",
  "@",
  "z@sha256:",
  `z@sha256:${"0".repeat(64)}`,
  "sha256:",
  "sha256:zz",
  `sha256:${"0".repeat(64)}`,
  "=",
  "z=z",
  "=z",
  "z=",
  ",",
  "z,z",
  ";",
  "&",
  "?",
  "#",
  "*",
  "(",
  "[z",
  "host",
  "none",
  "default",
  "bridge",
  "private",
  "container:",
  "container:z",
  "unlimited",
  "KILL",
  "sigterm",
  "SIGZ",
  "80/tcp",
  "80/z",
  "80-79/tcp",
  "0/tcp",
  "65536/tcp",
  "127.0.0.1",
  "256.0.0.1",
  "10.0.0.0/33",
  "10.0.0.0/24",
  "::1",
  "fe80::1%z",
  "02:42:ac:11:00:02",
  "zz:zz",
  "2024-01-01T00:00:00Z",
  "10m",
  "-10m",
  "1h1h",
  "no",
  "always",
  "on-failure",
  "/etc:/z",
  "z:/z",
  "z:/z:ro",
  "z:/z:zz",
  "z:z",
  "/z:/",
  "/z:/z/../..",
];

/** A number as JSON spells it, which need not be one that a computer has. */
export const oddNumbers: readonly string[] = [
  "-1",
  "0",
  "1",
  "-0",
  "1.0",
  "1.5",
  "1e3",
  "-2",
  "100000",
  "2147483647",
  "2147483648",
  "4294967295",
  "4294967296",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775808",
  "-9223372036854775809",
  "18446744073709551616",
  "1e100",
  "1e400",
];

/** JSON text that is to stand in a body as it is. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Lists within lists: `depth` of them. */
export const deep = (depth: number): Raw => new Raw("[".repeat(depth) + "]".repeat(depth));

/** JSON of a value whose {@link Raw} parts stand as they are. */
export function jsonOf(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${jsonOf(item)}`);
  return `{${members.join(",")}}`;
}

const string = fc.constantFrom(...oddStrings);
const number = fc.constantFrom(...oddNumbers).map((text) => new Raw(text));
const boolean = fc.boolean();
const list = fc.array(string, { maxLength: 2 });
const map = fc.dictionary(string, string, { maxKeys: 2 });
/** One of each kind that JSON has. */
const anything: fc.Arbitrary<unknown> = fc.oneof(
  string,
  number,
  boolean,
  fc.constant(null),
  list,
  map,
  fc.constant([null]),
  fc.constant([[]]),
  fc.constant({ z: { z: 1 } }),
  fc.constant([{}]),
);

/** What a field is: a string, a number, a boolean, lists and maps of strings, a map whose values say nothing, or else. */
export type FieldType = "s" | "n" | "b" | "l" | "m" | "e" | "x";

const byType: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  s: string,
  n: number,
  b: boolean,
  l: list,
  m: map,
  e: map.map((values) => Object.fromEntries(Object.keys(values).map((name) => [name, {}]))),
  x: anything,
};

/** A value of the right type that makes little sense, or of a wrong type. */
export function oddValue(type: FieldType): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 3, arbitrary: byType[type] }, { weight: 1, arbitrary: anything });
}
