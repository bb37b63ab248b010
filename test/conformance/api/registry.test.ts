/**
 * Images that come and go: registries, archives.
 * @module
 */
import { existsSync } from "node:fs";
import { test } from "bun:test";
import { dockerArchive, tarOf } from "../../support/archive.ts";
import { compareGroup, step, type Step } from "./compare.ts";
import { registryProgram } from "./side.ts";

const v = "/v1.51";
const json = (value: object): string => encodeURIComponent(JSON.stringify(value));
const name = "localhost:5000/some/image";
const auth = { "X-Registry-Auth": Buffer.from("{}").toString("base64url") };
const pull = (what: string, query: string, version = v): Step =>
  step(`pull: ${what}`, `POST ${version}/images/create?${query}`, {
    headers: auth,
    progress: true,
    sort: "",
  });
const push = (what: string, path: string): Step =>
  step(`push: ${what}`, `POST ${v}/images/${path}`, { headers: auth, progress: true, sort: "" });

const rootfs = await tarOf([
  {
    type: "file",
    path: "hello",
    mode: 0o644,
    size: 5,
    body: Buffer.from("hello"),
    mtime: { sec: 1_700_000_000, nsec: 0 },
    uid: 0,
    gid: 0,
  },
]);
const loaded = await dockerArchive("loaded:v1", [], { config: { Labels: { c: "d" } } });

if (existsSync(registryProgram))
  compareGroup(
    "registry",
    {
      registry: [
        step("auth: it works", `POST ${v}/auth`, {
          body: { username: "a", password: "b", serveraddress: "localhost:5000" },
        }),
        step("tag full", `POST ${v}/images/full:v1/tag?repo=${name}&tag=v1`, { silent: true }),
        push("it works", `${name}/push?tag=v1`),
        push("again", `${name}/push?tag=v1`),
        push("a tag that isn't there", `${name}/push?tag=nothing`),
        push("all tags", `${name}/push`),
        push("bad tag", `${name}/push?tag=b@d`),
        push(
          "of another platform",
          `${name}/push?tag=v1&platform=${json({ os: "linux", architecture: "s390x" })}`,
        ),
        push("bad platform", `${name}/push?tag=v1&platform=x`),
        step("push: nothing there", `POST ${v}/images/localhost:5000/nothing/push?tag=v1`, { headers: auth }),
        step("distribution: it works", `GET ${v}/distribution/${name}:v1/json`),
        step("distribution: nothing there", `GET ${v}/distribution/localhost:5000/nothing:v1/json`),
        step("untag", `DELETE ${v}/images/${name}:v1`, { silent: true }),
        pull("it works", `fromImage=${name}&tag=v1`),
        pull("again", `fromImage=${name}&tag=v1`),
        pull("all tags", `fromImage=${name}`),
        pull("a tag that isn't there", `fromImage=${name}&tag=nothing`),
        pull("a name that isn't there", "fromImage=localhost:5000/nothing&tag=v1"),
        pull("another platform", `fromImage=${name}&tag=v1&platform=linux/s390x`),
        pull("old", `fromImage=${name}:v1`, "/v1.24"),
        step("pull: its image", `GET ${v}/images/${name}:v1/json`),
      ],
      "load, save, import": [
        step("load: it works", `POST ${v}/images/load?quiet=1`, { body: loaded }),
        step("load: its image", `GET ${v}/images/loaded:v1/json`),
        step(
          "load: another platform",
          `POST ${v}/images/load?platform=${json({ os: "linux", architecture: "s390x" })}`,
          {
            body: loaded,
          },
        ),
        step("load: two platforms", `POST ${v}/images/load?platform=x&platform=y`, { body: loaded }),
        step("save: two platforms", `GET ${v}/images/loaded:v1/get?platform=x&platform=y`),
        step("save: bad platform", `GET ${v}/images/loaded:v1/get?platform=x`),
        step(
          "save: another platform",
          `GET ${v}/images/loaded:v1/get?platform=${json({ os: "linux", architecture: "s390x" })}`,
        ),
        step("history: bad platform", `GET ${v}/images/loaded:v1/history?platform=x`),
        step("save: it works", `GET ${v}/images/loaded:v1/get`),
        step("save: two", `GET ${v}/images/get?names=loaded:v1&names=full:v1`),
        step(
          "import: it works",
          `POST ${v}/images/create?fromSrc=-&repo=imported&tag=v1&message=why&changes=${encodeURIComponent("ENV A=b")}`,
          { body: rootfs },
        ),
        step("import: its image", `GET ${v}/images/imported:v1/json`),
        step("import: its history", `GET ${v}/images/imported:v1/history`),
        step(
          "import: for a platform",
          `POST ${v}/images/create?fromSrc=-&repo=foreign&platform=linux/arm64`,
          {
            body: rootfs,
          },
        ),
        step("import: of a platform", `GET ${v}/images/foreign/json`),
        step("remove: it works", `DELETE ${v}/images/imported:v1`),
        step("remove: noprune", `DELETE ${v}/images/foreign?noprune=1`),
      ],
    },
    { registry: true },
  );
else test.skip("registry (skipped: Debian's docker-registry is not installed)", () => undefined);
