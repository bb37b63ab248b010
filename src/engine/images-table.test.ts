import { expect, test } from "bun:test";
import { familiarReference, parseImageQuery, parseReference } from "../image/mod.ts";
import { findImage, ImageTable, namesOf, type ImageRecord } from "./images-table.ts";

const digest = `sha256:${"f".repeat(64)}`;

function image(start: string, ...names: string[]): ImageRecord {
  const references = names.map(parseReference);
  return {
    id: `sha256:${start.padEnd(64, "0")}`,
    manifest: { mediaType: "", digest, size: 1 },
    layers: [],
    config: {
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [] },
      history: [],
    },
    chain: [],
    tags: references.filter((reference) => reference.digest === undefined),
    digests: references.filter((reference) => reference.digest !== undefined),
  };
}

test("an image is found by name first, then by the beginning of its ID if only one has it", () => {
  const [one, two] = [image("abc1", "x:latest", `x@${digest}`), image("abc2", "abc1:latest")];
  const table = new ImageTable([one, two]);
  const found = (word: string): string | undefined => table.find(parseImageQuery(word))?.id;
  expect(found("x")).toBe(one.id);
  expect(found("docker.io/library/x:latest")).toBe(one.id);
  expect(found(`x:anything@${digest}`)).toBe(one.id);
  expect(found("abc1")).toBe(two.id);
  expect(found("sha256:abc1")).toBe(one.id);
  expect(found("abc")).toBeUndefined();
  expect(found(two.id)).toBe(two.id);
  expect(found(two.id.slice(7))).toBe(two.id);
  expect(() => findImage(table, "abc")).toThrow("No such image: abc:latest");
});

test("a name belongs to one image", () => {
  const [one, two] = [image("1", "x:1"), image("2", "x:2")];
  const table = new ImageTable([one, two]);
  expect(table.name(two.id, parseReference("x:1"))?.id).toBe(one.id);
  expect(table.name(two.id, parseReference("x:1"))).toBeUndefined();
  expect(table.get(one.id)?.tags).toEqual([]);
  expect(table.get(two.id)?.tags.map(familiarReference)).toEqual(["x:1", "x:2"]);
  table.unname(parseReference("x:2"));
  table.remove(two.id);
  expect(table.named(parseReference("x:1"))).toBeUndefined();
  expect(() => table.name(two.id, parseReference("y:1"))).toThrow(`No such image: ${two.id}`);
});

test("a copy is changed alone", () => {
  const one = image("1", "x:1");
  const table = new ImageTable([one]);
  const copy = table.copy();
  copy.remove(one.id);
  expect(table.get(one.id)).toEqual(one);
});

test("names of a repository stand together, tags first", () => {
  const names = namesOf(image("1", "z:1", `a@${digest}`, "a:2", "h.io/b:1", "a:1")).map(familiarReference);
  expect(names).toEqual(["a:1", "a:2", `a@${digest}`, "z:1", "h.io/b:1"]);
});
