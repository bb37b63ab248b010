import { expect, test } from "bun:test";
import { Readable } from "node:stream";
import { configOf, tarOf } from "../image/archive/build-archive.ts";
import { chainIds, digestOf } from "../image/mod.ts";
import { rejection } from "../image/registry/fake-registry.ts";
import type { Json } from "./engine.ts";
import { ImageBench, reported } from "./images-fake-storage.ts";
import type { ImageService } from "./images.ts";

const layer = await tarOf({ a: "123" });
const history = [
  { created: "2024-01-01T00:00:00Z", created_by: "ADD", comment: "first" },
  { created: "2024-01-02T00:00:00Z", created_by: "CMD", empty_layer: true },
];

/** Loads an image made in that year, whose label tells its name. */
async function load(service: ImageService, year: number, name: string | null): Promise<string> {
  const config = configOf([layer], {
    created: `${year}-01-01T00:00:00.5Z`,
    author: "me",
    variant: "v2",
    docker_version: "1.2",
    config: { Labels: { name: String(name) }, Cmd: ["sh"], StopSignal: "SIGINT", Volumes: { "/v": {} } },
    history,
  });
  const item = { Config: "c", RepoTags: name === null ? null : [name], Layers: ["l"] };
  const archive = await tarOf({ l: layer, c: config, "manifest.json": JSON.stringify([item]) });
  await reported(service.load(Readable.from([archive]), { quiet: true }));
  return digestOf(config);
}

async function listed(service: ImageService, ...filters: [string, string[]][]): Promise<Json[]> {
  return await service.list({ all: false, digests: false, sharedSize: false, filters: new Map(filters) });
}

const names = (images: Json[]): unknown[] => images.map(({ RepoTags }) => (RepoTags as string[]).join(" "));

test("the list has the newest first, in dockerd's form", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  await load(service, 2001, "old:1");
  const id = await load(service, 2003, "new:1");
  await load(service, 2002, "h.io/mid/x:y");
  bench.users.set(id, [{ id: "c", name: "c", running: false }]);
  const images = await listed(service);
  expect(names(images)).toEqual(["new:1", "h.io/mid/x:y", "old:1"]);
  expect(images[0]).toEqual({
    Containers: 1,
    Created: Date.UTC(2003, 0) / 1000,
    Id: id,
    Labels: { name: "new:1" },
    ParentId: "",
    RepoDigests: [],
    RepoTags: ["new:1"],
    SharedSize: -1,
    Size: 3,
  });
});

test("filters", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  await load(service, 2001, "old:1");
  await load(service, 2002, "h.io/mid/x:y");
  const id = await load(service, 2003, null);
  await service.tag("old:1", "alias", "");
  const list = async (...filters: [string, string[]][]): Promise<unknown[]> =>
    names(await listed(service, ...filters));
  expect(await list(["before", ["h.io/mid/x:y"]])).toEqual(["alias:latest old:1"]);
  expect(await list(["since", ["old:1"]])).toEqual(["", "h.io/mid/x:y"]);
  expect(await list(["since", ["old:1"]], ["before", [id]])).toEqual(["h.io/mid/x:y"]);
  expect(await list(["until", ["2002-06-01"]])).toEqual(["h.io/mid/x:y", "alias:latest old:1"]);
  expect(await list(["dangling", ["true"]])).toEqual([""]);
  expect(await list(["dangling", ["0"]])).toEqual(["h.io/mid/x:y", "alias:latest old:1"]);
  expect(await list(["label", ["name=old:1"]])).toEqual(["alias:latest old:1"]);
  expect(await list(["label!", ["name=old:1"]])).toEqual(["", "h.io/mid/x:y"]);
  expect(await list(["reference", ["old"]])).toEqual(["old:1"]);
  expect(await list(["reference", ["*:1", "h.io/*/x"]])).toEqual(["h.io/mid/x:y", "old:1"]);
  expect(await rejection(list(["before", ["nope"]]))).toBe("No such image: nope:latest");
  expect(await rejection(list(["bogus", ["1"]]))).toBe("invalid filter 'bogus'");
  expect(await rejection(list(["dangling", ["maybe"]]))).toBe("invalid filter 'dangling=[maybe]'");
});

test("an image described", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  const id = await load(service, 2001, "x:1");
  const described = await service.inspect("x:1");
  expect(described).toEqual({
    Id: id,
    RepoTags: ["x:1"],
    RepoDigests: [],
    Parent: "",
    Comment: "",
    Created: "2001-01-01T00:00:00.5Z",
    DockerVersion: "1.2",
    Author: "me",
    Architecture: "amd64",
    Variant: "v2",
    Os: "linux",
    Size: 3,
    GraphDriver: { Data: { UpperDir: expect.stringContaining("/layers/") }, Name: "overlay2" },
    RootFS: { Type: "layers", Layers: chainIds([digestOf(layer)]) },
    Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
    Config: {
      Cmd: ["sh"],
      Entrypoint: null,
      Env: null,
      Labels: { name: "x:1" },
      OnBuild: null,
      StopSignal: "SIGINT",
      User: "",
      Volumes: { "/v": {} },
      WorkingDir: "",
    },
  });
  await service.tag("x:1", "y", "2");
  const metadata = (await (await bench.open()).inspect(id))["Metadata"] as { LastTagTime: string };
  expect(metadata.LastTagTime).toMatch(/^20\d\d-.*Z$/);
  expect(bench.events.at(-1)).toEqual({
    Type: "image",
    Action: "tag",
    Actor: { ID: id, Attributes: { name: "y:2" } },
  } as never);
});

test("the history has the last step first", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  const id = await load(service, 2001, "x:1");
  const first = { Comment: "first", Created: Date.UTC(2024, 0) / 1000, CreatedBy: "ADD" };
  const last = { Comment: "", Created: Date.UTC(2024, 0, 2) / 1000, CreatedBy: "CMD" };
  expect(await service.history("x:1")).toEqual([
    { ...last, Id: id, Size: 0, Tags: ["x:1"] },
    { ...first, Id: "<missing>", Size: 3, Tags: null },
  ]);
});

test("tags that nobody may give are refused", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  await load(service, 2001, "x:1");
  const tagged = (repository: string, tag: string): Promise<string> =>
    rejection(service.tag("x:1", repository, tag));
  expect(await rejection(service.tag("nope", "a", "b"))).toBe("No such image: nope:latest");
  expect(await tagged("A", "b")).toContain("must be lowercase");
  expect(await tagged("a", "b:b")).toBe("invalid tag format");
  expect(await tagged("sha256", "x")).toContain("refusing to create an ambiguous tag");
  expect(await tagged(`a@sha256:${"1".repeat(64)}`, "")).toBe("cannot import digest reference");
  expect(await tagged("", "b")).toBe("invalid reference format");
});
