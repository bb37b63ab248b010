import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../digest.ts";
import { openLayout } from "./layout.ts";
import { contentStoreSuite } from "./suite.ts";
import { rejection } from "../testing.ts";

const roots: string[] = [];
function newRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "caisson-content-"));
  roots.push(root);
  return root;
}
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

contentStoreSuite("layout", async () => await openLayout(newRoot()));

const text = Buffer.from("x".repeat(600_000));
const digest = digestOf(text);
const name = digest.replace(":", "-");

test("the folder is an OCI image layout", async () => {
  const root = newRoot();
  const store = await openLayout(root);
  await store.put(text);
  await store.updateIndex(() => [{ mediaType: "m", digest, size: text.length }]);
  expect(readFileSync(join(root, "oci-layout"), "utf8")).toBe('{"imageLayoutVersion":"1.0.0"}');
  expect(JSON.parse(readFileSync(join(root, "index.json"), "utf8"))).toEqual({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ mediaType: "m", digest, size: text.length }],
  });
  expect(readFileSync(join(root, "blobs", ...digest.split(":"))).equals(text)).toBe(true);
  expect(readdirSync(join(root, "ingest"))).toEqual([]);
  const again = await openLayout(root);
  expect([await again.has(digest), (await again.index()).length]).toEqual([true, 1]);
});

test("what a dead process was writing is continued, what a live one writes is let alone", async () => {
  const root = newRoot();
  const store = await openLayout(root);
  const dead = spawnSync("sh", ["-c", "echo $$"]).stdout.toString().trim();
  const status = readFileSync(`/proc/${process.ppid}/stat`, "latin1");
  const alive = `${process.ppid}-${status.slice(status.lastIndexOf(")") + 2).split(" ")[19]}`;
  writeFileSync(join(root, "ingest", `${name}.${dead}-1.aa`), text.subarray(0, 300_000));
  writeFileSync(join(root, "ingest", `${name}.${alive}.bb`), text.subarray(0, 400_000));
  // Its process id belongs to another by now.
  const reused = alive.replace(/-.*/, "-1");
  writeFileSync(join(root, "ingest", `${name}.${reused}.cc`), text.subarray(0, 200_000));
  const writer = await store.writer(digest, text.length);
  expect(writer.offset).toBe(300_000);
  await writer.write(text.subarray(300_000));
  await writer.commit();
  const left = [`${name}.${alive}.bb`, `${name}.${reused}.cc`];
  expect(readdirSync(join(root, "ingest")).toSorted()).toEqual(left.toSorted());
});

test("any number of writers of one blob, some of which give up", async () => {
  const root = newRoot();
  const store = await openLayout(root);
  const run = async (keep: boolean): Promise<void> => {
    const writer = await store.writer(digest, text.length);
    for (let at = writer.offset; at < text.length; at += 50_000) {
      await writer.write(text.subarray(at, at + 50_000));
      if (keep && at > 200_000) return await writer.abort(true);
    }
    await writer.commit();
  };
  await Promise.all(Array.from({ length: 12 }, async (_, n) => await run(n % 3 === 0)));
  expect(Buffer.from(await store.bytes(digest, text.length)).equals(text)).toBe(true);
  const left = readdirSync(join(root, "ingest"));
  expect(left.every((file) => file.startsWith(`${name}.0.`))).toBe(true);
  expect(await store.sweep(60_000)).toBe(0);
  expect(await store.sweep(-1000)).toBe(left.length);
});

test("what is left but damaged or too long doesn't stay in the way", async () => {
  const root = newRoot();
  const store = await openLayout(root);
  writeFileSync(join(root, "ingest", `${name}.0.aa`), Buffer.concat([text, text]));
  const writer = await store.writer(digest, text.length);
  expect(writer.offset).toBe(0);
  await writer.abort(false);
  writeFileSync(join(root, "ingest", `${name}.0.bb`), "damaged");
  const second = await store.writer(digest, text.length);
  expect(second.offset).toBe(7);
  await second.write(text.subarray(7));
  expect(await rejection(second.commit())).toMatchObject({ code: "digest-mismatch" });
  const third = await store.writer(digest, text.length);
  expect(third.offset).toBe(0);
  await third.abort(false);
});

test("files that aren't blobs are no blobs", async () => {
  const root = newRoot();
  const store = await openLayout(root);
  writeFileSync(join(root, "blobs/sha256/README"), "x");
  expect(await Array.fromAsync(store.list())).toEqual([]);
  writeFileSync(join(root, "index.json"), '{"manifests":[{"digest":"../x"}]}');
  expect(await rejection(store.index())).toMatchObject({ code: "bad-archive" });
});

test("a blob that is deleted while it is read is read to its end", async () => {
  const store = await openLayout(newRoot());
  await store.put(text);
  const reader = store.reader(digest)[Symbol.asyncIterator]();
  let size = (await reader.next()).value?.length ?? 0;
  await store.delete(digest);
  for (let next = await reader.next(); next.done !== true; next = await reader.next())
    size += next.value.length;
  expect(size).toBe(text.length);
});
