import { describe, expect, test } from "bun:test";
import { parseFlags, type FlagSpec } from "./flags.ts";

const specs: readonly FlagSpec[] = [
  { name: "interactive", short: "i", type: "bool", usage: "" },
  { name: "tty", short: "t", type: "bool", usage: "" },
  { name: "rm", type: "bool", usage: "" },
  { name: "env", short: "e", type: "list", usage: "" },
  { name: "name", type: "string", usage: "" },
  { name: "memory", short: "m", type: "bytes", usage: "" },
  { name: "timeout", type: "int", usage: "", formerly: ["time"] },
  { name: "platform", type: "strings", usage: "" },
  {
    name: "shout",
    type: "string",
    usage: "",
    take: (value) => value.toUpperCase(),
  },
];

const parse = (...argv: string[]): ReturnType<typeof parseFlags> => parseFlags(specs, argv, false);

describe("values", () => {
  test("letters are joined, the last one may take the rest as its value", () => {
    const { flags, args } = parse("-it", "-e=A", "-eB=1", "-e", "C", "image");
    expect(flags.bool("interactive")).toBe(true);
    expect(flags.bool("tty")).toBe(true);
    expect(flags.list("env")).toEqual(["A", "B=1", "C"]);
    expect(args).toEqual(["image"]);
  });

  test("a boolean takes a value by = alone", () => {
    const { flags, args } = parse("--rm", "false");
    expect(flags.bool("rm")).toBe(true);
    expect(args).toEqual(["false"]);
    expect(parse("-t=false").flags.bool("tty", true)).toBe(false);
    expect(parse("-it=false").flags.bool("interactive")).toBe(true);
  });

  test("the last of repeated values counts, lists keep all", () => {
    const { flags } = parse("--name", "a", "--name=b", "--platform", "x,y", "--platform=z");
    expect(flags.string("name")).toBe("b");
    expect(flags.list("platform")).toEqual(["x", "y", "z"]);
  });

  test("older spellings count as the new one", () => {
    expect(parse("--time", "0x10").flags.int("timeout")).toBe(16);
  });

  test("a value may be brought into the form to keep", () => {
    expect(parse("--shout", "a").flags.string("shout")).toBe("A");
  });

  test("an empty value is a value", () => {
    const { flags } = parse("--name=");
    expect(flags.has("name")).toBe(true);
    expect(flags.string("name")).toBe("");
  });
});

describe("where parsing stops", () => {
  test("at the first positional argument when flags can't follow", () => {
    expect(parse("image", "--rm", "-x").args).toEqual(["image", "--rm", "-x"]);
  });

  test("nowhere when they can", () => {
    const { flags, args } = parseFlags(specs, ["a", "--rm", "b"], true);
    expect(flags.bool("rm")).toBe(true);
    expect(args).toEqual(["a", "b"]);
  });

  test("at two dashes; one dash alone is an argument", () => {
    expect(parse("--", "--rm").args).toEqual(["--rm"]);
    expect(parse("-").args).toEqual(["-"]);
  });

  test("at a question for help", () => {
    expect(parse("--help", "--nonsense").help).toBe(true);
    expect(parse("-h").help).toBe(true);
  });
});

test.each([
  [["--foo"], "unknown flag: --foo"],
  [["-Q"], "unknown shorthand flag: 'Q' in -Q"],
  [["-iQx"], "unknown shorthand flag: 'Q' in -Qx"],
  [["--name"], "flag needs an argument: --name"],
  [["-ie"], "flag needs an argument: 'e' in -e"],
  [["---x"], "bad flag syntax: ---x"],
  [["--=x"], "bad flag syntax: --=x"],
  [["-m", "x"], `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'`],
  [
    ["--rm=maybe"],
    `invalid argument "maybe" for "--rm" flag: strconv.ParseBool: parsing "maybe": invalid syntax`,
  ],
])("%j is refused in pflag's words", (argv, text) => {
  expect(() => parse(...argv)).toThrow(text);
});
