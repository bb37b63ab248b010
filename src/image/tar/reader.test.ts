import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Entry, EntryType } from "./entry.ts";
import { readTar } from "./reader.ts";
import { encodeEntry, endOfArchive, writeTar, type EntryInput } from "./writer.ts";
import { inChunks, joined, rejection } from "../testing.ts";

interface Read extends Omit<Entry, "xattrs"> {
  readonly xattrs: Record<string, number[]>;
  readonly content: number[];
}

async function readAll(bytes: Uint8Array, chunk = 1000): Promise<Read[]> {
  const entries: Read[] = [];
  for await (const { body, storedSize, xattrs, ...entry } of readTar(inChunks(bytes, chunk))) {
    const content = [...(await joined(body))];
    expect(content.length).toBe(storedSize);
    const plain = Object.fromEntries([...xattrs].map(([key, value]) => [key, [...value]]));
    entries.push({ ...entry, xattrs: plain, content });
  }
  return entries;
}

const name = fc
  .oneof(
    fc.stringMatching(/^[a-z0-9/._-]{1,300}$/),
    fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }).filter((s) => !s.includes("\0")),
  )
  .filter((s) => s !== "" && !s.endsWith("/"));
const number = fc.nat({ max: 0xffff_fffe });
const common = {
  path: name,
  mode: fc.nat({ max: 0o7777 }),
  uid: number,
  gid: number,
  userName: fc.stringMatching(/^[a-z]{0,40}$/),
  groupName: fc.constant("grüppe"),
  mtime: fc.record({
    sec: fc.integer({ min: -(2 ** 31), max: 2 ** 40 }),
    nsec: fc.nat({ max: 999_999_999 }),
  }),
  xattrs: fc.dictionary(
    fc.stringMatching(/^(user|security)\.[a-z=]{0,8}[a-z]$/).filter((k) => !k.includes("=")),
    fc.uint8Array(),
    { maxKeys: 3 },
  ),
};
const entryInput = fc.oneof(
  fc.record({ ...common, type: fc.constant<EntryType>("file"), body: fc.uint8Array({ maxLength: 1500 }) }),
  fc.record({ ...common, type: fc.constantFrom<EntryType>("symlink", "hardlink"), linkPath: name }),
  fc.record({ ...common, type: fc.constantFrom<EntryType>("directory", "fifo") }),
  fc.record({
    ...common,
    type: fc.constantFrom<EntryType>("char", "block"),
    major: fc.nat({ max: 4095 }),
    minor: fc.nat({ max: 0xf_ffff }),
  }),
);

test("what is written is read back, however the stream is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entryInput, { maxLength: 5 }),
      fc.integer({ min: 1, max: 2000 }),
      async (inputs, chunk) => {
        const entries = inputs.map(({ xattrs, ...input }): EntryInput => ({
          ...input,
          xattrs: new Map(Object.entries(xattrs)),
        }));
        const bytes = await joined(writeTar(entries));
        expect(await joined(writeTar(entries))).toEqual(bytes);
        const read = await readAll(bytes, chunk);
        expect(read).toEqual(
          entries.map(({ body, xattrs, ...entry }) => {
            const content = body instanceof Uint8Array ? [...body] : [];
            return {
              linkPath: "",
              major: 0,
              minor: 0,
              ...entry,
              path: entry.type === "directory" ? `${entry.path}/` : entry.path,
              size: content.length,
              xattrs: Object.fromEntries([...(xattrs ?? [])].map(([key, value]) => [key, [...value]])),
              content,
            } as Read;
          }),
        );
      },
    ),
    { numRuns: 150 },
  );
});

test("a body that isn't read is passed over, and one read too late says so", async () => {
  const bytes = await joined(
    writeTar([1, 2, 3].map((n) => ({ type: "file", path: `${n}`, body: new Uint8Array(5000).fill(n) }))),
  );
  const names: string[] = [];
  let first: AsyncIterable<Uint8Array> | undefined;
  for await (const entry of readTar(inChunks(bytes, 700))) {
    names.push(entry.path);
    first ??= entry.body;
  }
  expect(names).toEqual(["1", "2", "3"]);
  // oxlint-disable-next-line typescript/no-non-null-assertion -- the loop ran
  expect(await rejection(joined(first!))).toMatchObject({
    message: expect.stringContaining("read too late"),
  });
});

test("the source is read to its end, and released when the reader stops early", async () => {
  let pulled = 0;
  let released = false;
  const archive = await joined(
    writeTar([
      { type: "fifo", path: "p" },
      { type: "fifo", path: "q" },
    ]),
  );
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (const part of [archive, new Uint8Array(100), Buffer.from("trailing")]) {
        pulled += part.length;
        yield part;
      }
    } finally {
      released = true;
    }
  }
  for await (const _ of readTar(source()));
  expect([pulled, released]).toEqual([archive.length + 108, true]);
  released = false;
  for await (const _ of readTar(source())) break;
  expect(released).toBe(true);
});

test("an archive may end without its blocks of zeros, but not inside an entry", async () => {
  const entry = encodeEntry({ type: "file", path: "x", size: 10 });
  expect(await readAll(entry.subarray(0, 0))).toEqual([]);
  expect(await rejection(readAll(entry))).toMatchObject({
    code: "bad-archive",
    message: "archive: unexpected EOF at byte 512",
  });
  expect(await rejection(readAll(entry.subarray(0, 511)))).toMatchObject({ code: "bad-archive" });
});

/** A global extended header with these records. */
function globalHeader(text: string): Uint8Array {
  return Buffer.concat([
    retyped("g", text.length),
    Buffer.from(text),
    new Uint8Array((512 - (text.length % 512)) % 512),
  ]);
}

test("global records apply until an entry's own take them back, and are bounded", async () => {
  const own = { type: "fifo", path: "b", gid: 3_000_000 } as const;
  const archive = [
    globalHeader("12 gid=4321\n"),
    encodeEntry({ type: "fifo", path: "a" }),
    encodeEntry(own),
    endOfArchive,
  ];
  expect((await readAll(Buffer.concat(archive))).map((e) => e.gid)).toEqual([4321, 3_000_000]);
  const comment = globalHeader(`600000 comment=${"x".repeat(600_000 - 16)}\n`);
  expect(await readAll(comment)).toEqual([]);
  expect(await rejection(readAll(Buffer.concat([comment, comment])))).toMatchObject({
    message: "archive: global extended headers are too large at byte 600576",
  });
});

test("a file with a slash at its end is a directory, and its bytes never pass for headers", async () => {
  const hidden = Buffer.concat([encodeEntry({ type: "fifo", path: "hidden" })]);
  const entry = (flag: string): Buffer => Buffer.concat([retyped(flag, 512, "d/"), hidden, endOfArchive]);
  const names = async (bytes: Buffer): Promise<string[]> =>
    (await readAll(bytes)).map((e) => `${e.type} ${e.path} ${e.size}`);
  expect(await names(entry("0"))).toEqual(["directory d/ 0"]);
  // From before POSIX, there such entries had no bytes: what follows are headers, for Go and Python as well.
  expect(await names(entry("\0"))).toEqual(["directory d/ 0", "fifo hidden 0"]);
});

test("volume labels and lists for incremental dumps are no files", async () => {
  const list = Buffer.concat([retyped("D", 5), Buffer.from("Yabc\0".padEnd(512, "\0"))]);
  const archive = Buffer.concat([retyped("V"), list, encodeEntry({ type: "fifo", path: "p" }), endOfArchive]);
  expect((await readAll(archive)).map((e) => e.path)).toEqual(["p"]);
});

test.each([
  ["garbage", Buffer.alloc(512, "garbage"), "invalid tar header"],
  ["an unknown type", retyped("Z"), 'unknown entry type "Z"'],
  ["a continued volume", retyped("M"), 'unknown entry type "M"'],
  ["uid -1", encodeEntry({ type: "fifo", path: "x", uid: 0xffff_ffff }), "id out of range"],
  [
    "a device that would wrap",
    encodeEntry({ type: "char", path: "x", minor: 1 << 20 }),
    "device number out of range",
  ],
  ["a huge PAX header", retyped("x", 2 << 20), "extended header is too large"],
  ["a huge GNU name", retyped("L", 20_000), "extended header is too large"],
  ["a PAX header without end", retyped("x", 600), "truncated extended header"],
  [
    "a name too long",
    Buffer.from(encodeEntry({ type: "fifo", path: "y".repeat(20_000) })),
    "name is too long",
  ],
  [
    "a sparse map that overlaps",
    sparse(
      [
        { offset: 0, length: 5 },
        { offset: 3, length: 5 },
      ],
      20,
    ),
    "invalid sparse map",
  ],
  ["a sparse map beyond the end", sparse([{ offset: 10, length: 5 }], 12), "invalid sparse map"],
] as const)("%s is refused", async (_, bytes, reason) => {
  expect(await rejection(readAll(bytes))).toMatchObject({
    code: "bad-archive",
    message: expect.stringContaining(reason),
  });
});

function sparse(segments: { offset: number; length: number }[], size: number): Uint8Array {
  return Buffer.concat([
    encodeEntry({ type: "file", path: "s", size, sparse: segments }),
    new Uint8Array(512),
  ]);
}

function retyped(flag: string, size = 0, path = "x"): Uint8Array {
  const block = encodeEntry({ type: "file", path, size });
  const sum = Number.parseInt(Buffer.from(block.subarray(148, 154)).toString(), 8) + flag.charCodeAt(0) - 48;
  block[156] = flag.charCodeAt(0);
  block.set(Buffer.from(sum.toString(8).padStart(6, "0")), 148);
  return block;
}

test("a writer that is given another size than announced says so", async () => {
  for (const size of [2, 4])
    expect(
      await rejection(joined(writeTar([{ type: "file", path: "x", size, body: Buffer.from("abc") }]))),
    ).toMatchObject({
      code: "internal",
      message: "archive: the content of x isn't of the size announced",
    });
});

test("random damage never gives anything but bad-archive", async () => {
  const archive = await joined(
    writeTar([
      {
        type: "file",
        path: "ü".repeat(80),
        body: new Uint8Array(700),
        mtime: { sec: 1, nsec: 5 },
        xattrs: new Map([["user.a", Uint8Array.of(1)]]),
      },
      { type: "file", path: "s", size: 5000, sparse: [{ offset: 10, length: 3 }], body: new Uint8Array(3) },
    ]),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: archive.length - 1 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      async (damage) => {
        const bytes = Uint8Array.from(archive);
        for (const [at, value] of damage) bytes[at] = value;
        try {
          await readAll(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "bad-archive" });
        }
      },
    ),
    { numRuns: 500 },
  );
});
