import { expect, test } from "bun:test";
import { messageOf } from "../../errors/mod.ts";
import { ByteSource } from "./bytes.ts";
import { checkMap, paxMap, readGnuMap, readPaxMap } from "./sparse.ts";

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
const source = (bytes: Uint8Array): ByteSource => new ByteSource(once(bytes), "x");
const record = (key: string, value: string): { key: string; value: Buffer } => ({
  key: `GNU.sparse.${key}`,
  value: Buffer.from(value),
});
const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;

function gnuHeader(
  segments: readonly (readonly [number, number])[],
  realSize: number,
  more: boolean,
): Buffer {
  const header = Buffer.alloc(512);
  segments.forEach(([offset, length], i) => header.write(octal(offset) + octal(length), 386 + i * 24));
  header[482] = more ? 1 : 0;
  header.write(octal(realSize), 483);
  return header;
}

test("old-GNU headers have four runs, blocks behind them 21 each", async () => {
  const few = await readGnuMap(
    gnuHeader(
      [
        [0, 10],
        [1000, 20],
      ],
      2000,
      false,
    ),
    source(Buffer.alloc(0)),
  );
  expect(few).toEqual({
    segments: [
      { offset: 0, length: 10 },
      { offset: 1000, length: 20 },
    ],
    realSize: 2000,
  });
  const runs = Array.from({ length: 27 }, (_, i) => [i * 100, 10] as const);
  const blocks = Buffer.alloc(1024);
  runs.slice(4, 25).forEach(([offset, length], i) => blocks.write(octal(offset) + octal(length), i * 24));
  blocks[504] = 1;
  runs.slice(25).forEach(([offset, length], i) => blocks.write(octal(offset) + octal(length), 512 + i * 24));
  const bytes = source(blocks);
  const many = await readGnuMap(gnuHeader(runs.slice(0, 4), 5000, true), bytes);
  expect(many.segments).toEqual(runs.map(([offset, length]) => ({ offset, length })));
  expect(bytes.position).toBe(1024);
  expect(
    await readGnuMap(gnuHeader(runs.slice(0, 4), 1, true), source(Buffer.alloc(0))).then(() => "", messageOf),
  ).toBe("truncated sparse map");
});

test("PAX 0.0 repeats two keys in turn, 0.1 has a list", () => {
  const old = [
    record("size", "100"),
    record("numblocks", "2"),
    record("offset", "0"),
    record("numbytes", "1"),
    record("offset", "50"),
    record("numbytes", "2"),
  ];
  const expected = {
    segments: [
      { offset: 0, length: 1 },
      { offset: 50, length: 2 },
    ],
    realSize: 100,
  };
  expect(paxMap(old)).toEqual(expected);
  expect(paxMap([record("size", "100"), record("map", "0,1,50,2")])).toEqual(expected);
  expect(paxMap([record("size", "100"), record("map", "")])).toEqual({ segments: [], realSize: 100 });
  expect(paxMap([record("map", "0,1")])).toBeUndefined();
  expect(paxMap([])).toBeUndefined();
  for (const wrong of [
    [record("size", "1"), record("numbytes", "1")],
    [record("size", "1"), record("offset", "1"), record("offset", "1")],
    [record("size", "1"), record("map", "1,2,3")],
  ])
    expect(() => paxMap(wrong)).toThrow("invalid sparse map");
});

test("PAX 1.0 has its map before the data, in whole blocks", async () => {
  const padded = (map: string): Buffer => {
    const bytes = Buffer.alloc(Math.ceil(map.length / 512) * 512);
    bytes.write(map);
    return bytes;
  };
  expect(await readPaxMap(source(padded("2\n0\n1\n50\n2\n")), 515)).toEqual({
    segments: [
      { offset: 0, length: 1 },
      { offset: 50, length: 2 },
    ],
    taken: 512,
  });
  const long = `120\n${Array.from({ length: 120 }, (_, i) => `${i * 1000}\n10\n`).join("")}`;
  const found = await readPaxMap(source(padded(long)), 100_000);
  expect([found.segments.length, found.taken]).toEqual([120, padded(long).length]);
  expect(await readPaxMap(source(padded("0\n")), 512)).toEqual({ segments: [], taken: 512 });
  const problem = (map: Buffer, size: number): Promise<string> =>
    readPaxMap(source(map), size).then(() => "", messageOf);
  for (const wrong of ["\n", "a\n", "1\n\n", "1\n-1\n0\n", `${"1".repeat(17)}\n`])
    expect(await problem(padded(wrong), 512)).toBe("invalid sparse map");
  // The map may not be longer than the body.
  expect(await problem(padded("2\n0\n1\n50\n2\n"), 511)).toBe("invalid sparse map");
  expect(await problem(padded("1000000\n"), 512)).toBe("sparse map is too long");
  expect(await problem(Buffer.alloc(0), 512)).toBe("truncated sparse map");
});

test("a map must fit what is stored, in order and without overlaps", () => {
  const check = (runs: readonly (readonly [number, number])[], realSize: number, stored: number): number =>
    checkMap({ segments: runs.map(([offset, length]) => ({ offset, length })), realSize }, stored).length;
  expect(
    check(
      [
        [0, 5],
        [10, 5],
        [20, 0],
      ],
      20,
      10,
    ),
  ).toBe(2);
  expect(check([], 20, 0)).toBe(0);
  for (const [runs, realSize, stored] of [
    [
      [
        [0, 5],
        [4, 5],
      ],
      20,
      10,
    ],
    [
      [
        [10, 5],
        [0, 5],
      ],
      20,
      10,
    ],
    [[[0, 5]], 4, 5],
    [[[0, 5]], 20, 6],
    [[[0, -1]], 20, -1],
    [[], -1, 0],
  ] as const)
    expect(() => check(runs, realSize, stored)).toThrow("invalid sparse map");
});
