/**
 * Files of containers: archives in and out, what changed, the whole root, and the image of it.
 * @module
 */
import { gzipSync } from "node:zlib";
import { tarOf } from "../../support/archive.ts";
import { compareGroup, step, type Step } from "./compare.ts";

const v = "/v1.51";
const none = { NetworkMode: "none" };
const path = (text: string): string => `path=${encodeURIComponent(text)}`;
const mtime = { sec: 1_700_000_000, nsec: 0 };
const owner = { uid: 0, gid: 0 };
const archive = await tarOf([
  { type: "directory", path: "folder", mode: 0o755, mtime, ...owner },
  { type: "file", path: "folder/file", mode: 0o640, size: 4, body: Buffer.from("text"), mtime, ...owner },
  { type: "symlink", path: "folder/link", mode: 0o777, linkPath: "file", mtime, ...owner },
]);
const overFolder = await tarOf([
  { type: "file", path: "folder", mode: 0o644, size: 1, body: Buffer.from("x"), mtime, ...owner },
]);

const make = (name: string, body: object): Step =>
  step(`make ${name}`, `POST ${v}/containers/create?name=${name}`, { body, as: name, silent: true });
const put = (name: string, query: string, body: object | string = archive, container = "box"): Step =>
  step(`put: ${name}`, `PUT ${v}/containers/${container}/archive?${query}`, { body });
const get = (name: string, query: string, container = "box"): readonly Step[] => [
  step(`get: ${name}`, `GET ${v}/containers/${container}/archive?${query}`),
  step(`stat: ${name}`, `HEAD ${v}/containers/${container}/archive?${query}`),
];
const commit = (name: string, query: string, body?: object, version = v): Step =>
  step(`commit: ${name}`, `POST ${version}/commit?${query}`, body === undefined ? {} : { body });

compareGroup("files", {
  archives: [
    make("box", {
      Image: "busybox",
      Cmd: ["sleep", "1000"],
      StopSignal: "SIGKILL",
      HostConfig: {
        ...none,
        Mounts: [{ Type: "volume", Source: "closed", Target: "/closed", ReadOnly: true }],
      },
    }),
    make("fixed", { Image: "busybox", HostConfig: { ...none, ReadonlyRootfs: true } }),
    put("it works", path("/tmp")),
    ...get("a folder", path("/tmp/folder")),
    ...get("a folder's content", path("/tmp/folder/.")),
    ...get("a file", path("/tmp/folder/file")),
    ...get("a link", path("/tmp/folder/link")),
    ...get("through a link", path("/tmp/folder/link/")),
    ...get("a relative path", path("tmp/folder/file")),
    ...get("nothing", path("/nothing")),
    ...get("a file as a folder", path("/tmp/folder/file/")),
    ...get("below a file", path("/tmp/folder/file/x")),
    ...get("without a path", ""),
    ...get("an empty path", "path="),
    ...get("of nobody", path("/tmp"), "nothing"),
    step("get: packed", `GET ${v}/containers/box/archive?${path("/tmp/folder")}`, {
      headers: { "Accept-Encoding": "gzip" },
    }),
    put("nowhere", path("/nothing")),
    put("into a file", path("/tmp/folder/file")),
    put("into a link to a file", path("/tmp/folder/link")),
    put("without a path", ""),
    put("to nobody", path("/tmp"), archive, "nothing"),
    put("no archive", path("/tmp"), "this is no archive"),
    put("an empty body", path("/tmp"), ""),
    put("a file over a folder", path("/tmp"), overFolder),
    put("a file over a folder, refused", `${path("/tmp")}&noOverwriteDirNonDir=1`, overFolder),
    put("into what is read-only", path("/closed")),
    put("into a root that is read-only", path("/tmp"), archive, "fixed"),
    put("with owners", `${path("/tmp")}&copyUIDGID=1`),
    put("packed", path("/tmp"), gzipSync(archive)),
    step("begin box", `POST ${v}/containers/box/start`, { silent: true }),
    put("running", path("/var")),
    ...get("running", path("/var/folder")),
    step("pause box", `POST ${v}/containers/box/pause`, { silent: true }),
    ...get("paused", path("/var/folder")),
    step("unpause box", `POST ${v}/containers/box/unpause`, { silent: true }),
    step("kill box", `POST ${v}/containers/box/kill`, { silent: true }),
  ],
  "changes and export": [
    step("changes: it works", `GET ${v}/containers/box/changes`, { sort: "Path" }),
    step("changes: none", `GET ${v}/containers/fixed/changes`),
    step("changes: of nobody", `GET ${v}/containers/nothing/changes`),
    make("whole", { Image: "full:v1", HostConfig: none }),
    step("put into whole", `PUT ${v}/containers/whole/archive?${path("/")}`, { body: archive, silent: true }),
    step("export: it works", `GET ${v}/containers/whole/export`),
    step("export: of nobody", `GET ${v}/containers/nothing/export`),
  ],
  commit: [
    commit("it works", "container=whole&repo=made&tag=v1&author=me&comment=why"),
    step("commit: its image", `GET ${v}/images/made:v1/json`),
    step("commit: its history", `GET ${v}/images/made:v1/history`),
    commit("with changes", `container=whole&repo=made&tag=v2&changes=${encodeURIComponent("CMD echo x")}`),
    step("commit: changed", `GET ${v}/images/made:v2/json`),
    commit("with a configuration", "container=whole&repo=made&tag=v3", { Env: ["B=c"], Labels: { l: "m" } }),
    step("commit: configured", `GET ${v}/images/made:v3/json`),
    commit("without a name", "container=whole"),
    commit("of nobody", "container=nothing"),
    commit("without a container", ""),
    commit("bad name", "container=whole&repo=Bad"),
    commit("bad tag", "container=whole&repo=some&tag=b@d"),
    commit("bad change", "container=whole&changes=STRANGE%20x"),
    commit("change that can't be", "container=whole&changes=FROM%20x"),
    commit("a wrong type", "container=whole", { Env: 7 }),
    commit("without a pause", "container=whole&pause=0&repo=made&tag=v4"),
    commit("old", "container=whole&repo=made&tag=v5", undefined, "/v1.24"),
    step("whole goes", `DELETE ${v}/containers/whole`, { silent: true }),
    step("box goes", `DELETE ${v}/containers/box?v=1`, { silent: true }),
    step("closed goes", `DELETE ${v}/volumes/closed`, { silent: true }),
    step("fixed goes", `DELETE ${v}/containers/fixed`, { silent: true }),
  ],
});
