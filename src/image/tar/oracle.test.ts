import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
  ftruncateSync,
  symlinkSync,
  linkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTar } from "./reader.ts";
import { writeTar, type EntryInput } from "./writer.ts";

const long = `${"directory-with-a-long-name/".repeat(8)}file`;
let dir = "";

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "caisson-tar-"));
  const from = join(dir, "from");
  mkdirSync(join(from, long, ".."), { recursive: true });
  writeFileSync(join(from, long), "long\n");
  writeFileSync(join(from, "plain"), "x".repeat(1234), { mode: 0o640 });
  writeFileSync(Buffer.concat([Buffer.from(`${from}/caf`), Uint8Array.of(0xe9)]), "latin1");
  symlinkSync("../".repeat(60), join(from, "link"));
  linkSync(join(from, "plain"), join(from, "same"));
  spawnSync("touch", ["-d", "@-3.5", join(from, "plain")]);
  const fd = openSync(join(from, "sparse"), "w");
  for (let i = 0; i < 40; i++) writeSync(fd, `data${i}`, i * 100_000);
  ftruncateSync(fd, 5_000_000);
  closeSync(fd);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function tar(...args: string[]): Buffer {
  const { stdout, stderr, status } = spawnSync("tar", args, { maxBuffer: 1 << 28 });
  expect([status, stderr.toString()]).toEqual([0, ""]);
  return stdout;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

test.each([
  ["gnu", "0.0"],
  ["posix", "0.0"],
  ["posix", "0.1"],
  ["posix", "1.0"],
])("GNU tar's archive in format %s with sparse version %s", async (format, version) => {
  const archive = tar(
    "-C",
    join(dir, "from"),
    "-S",
    `--format=${format}`,
    `--sparse-version=${version}`,
    "-c",
    ".",
  );
  const seen = new Map<string, string>();
  for await (const entry of readTar(once(archive))) {
    const data = Buffer.concat(await Array.fromAsync(entry.body, (chunk) => chunk.slice()));
    seen.set(entry.path, `${entry.type} ${entry.size} ${entry.linkPath}`);
    if (entry.path === "./plain" || entry.path === "./same")
      if (entry.type === "file") {
        expect(entry.mode).toBe(0o640);
        expect(entry.mtime).toEqual(format === "gnu" ? { sec: -4, nsec: 0 } : { sec: -4, nsec: 500_000_000 });
      }
    if (entry.path !== "./sparse") continue;
    // A file system may keep data in blocks of any size, so the map is compared by what it makes.
    const whole = Buffer.alloc(entry.size);
    let at = 0;
    for (const { offset, length } of entry.sparse ?? [{ offset: 0, length: entry.size }]) {
      data.copy(whole, offset, at, at + length);
      at += length;
    }
    expect(entry.sparse?.length).toBeGreaterThan(21);
    expect(whole.equals(readFileSync(join(dir, "from/sparse")))).toBe(true);
  }
  expect(seen.get(`./${long}`)).toBe("file 5 ");
  expect(seen.get("./caf\udce9")).toBe("file 6 ");
  expect(seen.get("./link")).toBe(`symlink 0 ${"../".repeat(60)}`);
  // Whichever comes first in the directory is the file.
  const [file, link] = seen.get("./same") === "file 1234 " ? ["same", "plain"] : ["plain", "same"];
  expect([seen.get(`./${file}`), seen.get(`./${link}`)]).toEqual(["file 1234 ", `hardlink 0 ./${file}`]);
});

test("GNU tar's global and local PAX records", async () => {
  const local = "SCHILY.xattr.user.own:=a=b";
  const archive = tar(
    "-C",
    join(dir, "from"),
    "--format=posix",
    `--pax-option=gname=ours,SCHILY.xattr.user.all=x,${local}`,
    "-c",
    "plain",
  );
  const [entry] = await Array.fromAsync(readTar(once(archive)));
  const xattrs = [...(entry?.xattrs ?? [])].map(([key, value]) => [key, Buffer.from(value).toString()]);
  expect([entry?.groupName, xattrs]).toEqual([
    "ours",
    [
      ["user.all", "x"],
      ["user.own", "a=b"],
    ],
  ]);
});

test("GNU tar extracts what we write", async () => {
  const to = join(dir, "to");
  mkdirSync(to);
  const entries: EntryInput[] = [
    { type: "directory", path: "d", mode: 0o700 },
    {
      type: "file",
      path: `d/${"n".repeat(200)}`,
      body: Buffer.from("long name"),
      mtime: { sec: 5, nsec: 250_000_000 },
    },
    { type: "file", path: `${"p/".repeat(60)}q`, body: Buffer.from("prefix"), mtime: { sec: -4, nsec: 0 } },
    { type: "hardlink", path: "h", linkPath: `${"p/".repeat(60)}q` },
    { type: "symlink", path: "s", linkPath: "é".repeat(70) },
    {
      type: "file",
      path: "holes",
      size: 3_000_000,
      sparse: [{ offset: 1_000_000, length: 3 }],
      body: Buffer.from("abc"),
    },
  ];
  const archive = Buffer.concat(await Array.fromAsync(writeTar(entries)));
  // It warns of the old time.
  expect(spawnSync("tar", ["-C", to, "-x"], { input: archive }).status).toBe(0);
  expect(readFileSync(join(to, "d", "n".repeat(200)), "utf8")).toBe("long name");
  expect(statSync(join(to, "d", "n".repeat(200))).mtimeMs).toBe(5250);
  expect(readFileSync(join(to, "h"), "utf8")).toBe("prefix");
  expect(statSync(join(to, "h")).mtimeMs).toBe(-4000);
  const holes = readFileSync(join(to, "holes"));
  expect([holes.length, holes.subarray(1_000_000, 1_000_003).toString()]).toEqual([3_000_000, "abc"]);
});
