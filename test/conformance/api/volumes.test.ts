/**
 * Volumes.
 * @module
 */
import { compareGroup, step } from "./compare.ts";

const v = "/v1.51";
const filters = (value: object): string => encodeURIComponent(JSON.stringify(value));
const create = (name: string, body: object | string, version = v) =>
  step(`create: ${name}`, `POST ${version}/volumes/create`, { body });

compareGroup("volumes", {
  everything: [
    step("list: empty", `GET ${v}/volumes`),
    create("it works", { Name: "one" }),
    create("again", { Name: "one" }),
    create("again with labels", { Name: "one", Labels: { a: "b" } }),
    create("with labels", { Name: "two", Labels: { a: "b" }, Driver: "local" }),
    create("without a name", {}),
    step("create: without a body", `POST ${v}/volumes/create`),
    create("bad name", { Name: "b@d" }),
    create("name of one letter", { Name: "x" }),
    create("no driver", { Name: "three", Driver: "nothere" }),
    create("bad option", { Name: "three", DriverOpts: { strange: "x" } }),
    create("type alone", { Name: "three", DriverOpts: { type: "tmpfs" } }),
    create("bind", { Name: "bind", DriverOpts: { type: "none", o: "bind", device: "/nothere" } }),
    create("tmpfs", { Name: "memory", DriverOpts: { type: "tmpfs", o: "size=1m", device: "tmpfs" } }),
    create("tmpfs with others' options", {
      Name: "memory",
      DriverOpts: { type: "tmpfs", o: "size=2m", device: "tmpfs" },
    }),
    create("size", { Name: "sized", DriverOpts: { size: "1m" } }),
    create("a wrong type", { Name: 7 }),
    create("broken", '{"Name"'),
    step("list: all", `GET ${v}/volumes`, { sort: "Name" }),
    step("list: a label", `GET ${v}/volumes?filters=${filters({ label: ["a=b"] })}`),
    step("list: a name", `GET ${v}/volumes?filters=${filters({ name: ["on"] })}`),
    step("list: a driver", `GET ${v}/volumes?filters=${filters({ driver: ["strange"] })}`),
    step("list: dangling", `GET ${v}/volumes?filters=${filters({ dangling: ["true"], name: ["one"] })}`),
    step("list: bad dangling", `GET ${v}/volumes?filters=${filters({ dangling: ["x"] })}`),
    step("list: unknown filter", `GET ${v}/volumes?filters=${filters({ strange: ["x"] })}`),
    step("list: old", `GET /v1.24/volumes?filters=${filters({ name: ["on"] })}`),
    step("inspect", `GET ${v}/volumes/one`),
    step("inspect: old", `GET /v1.24/volumes/one`),
    step("inspect: labelled", `GET ${v}/volumes/two`),
    step("inspect: options", `GET ${v}/volumes/memory`),
    step("inspect: nothing", `GET ${v}/volumes/nothing`),
    step("update: nothing", `PUT ${v}/volumes/nothing?version=1`, { body: {} }),
    step("update: of this host", `PUT ${v}/volumes/one?version=1`, { body: {} }),
    step("update: without a version", `PUT ${v}/volumes/one`, { body: {} }),
    step("user", `POST ${v}/containers/create?name=user`, {
      body: { Image: "busybox", HostConfig: { NetworkMode: "none", Binds: ["one:/x"] } },
      as: "user",
      silent: true,
    }),
    step("remove: in use", `DELETE ${v}/volumes/one`),
    step("remove: in use, by force", `DELETE ${v}/volumes/one?force=1`),
    step(
      "list: dangling without those in use",
      `GET ${v}/volumes?filters=${filters({ dangling: ["true"], name: ["one"] })}`,
    ),
    step("user goes", `DELETE ${v}/containers/user`, { silent: true }),
    step("remove: it works", `DELETE ${v}/volumes/one`),
    step("remove: nothing", `DELETE ${v}/volumes/one`),
    step("remove: nothing, by force", `DELETE ${v}/volumes/one?force=1`),
    step("prune: anonymous", `POST ${v}/volumes/prune`),
    step("prune: unknown filter", `POST ${v}/volumes/prune?filters=${filters({ strange: ["x"] })}`),
    step("prune: bad all", `POST ${v}/volumes/prune?filters=${filters({ all: ["x"] })}`),
    step(
      "prune: all with a label",
      `POST ${v}/volumes/prune?filters=${filters({ all: ["true"], label: ["a=b"] })}`,
    ),
    step("prune: old prunes all", `POST /v1.41/volumes/prune?filters=${filters({ label: ["nothing"] })}`),
  ],
});
