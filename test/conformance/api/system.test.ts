/**
 * The engine itself, and the rules that hold for every request.
 * @module
 */
import { compareGroup, step } from "./compare.ts";

const v = "/v1.51";
const filters = (value: object): string => encodeURIComponent(JSON.stringify(value));
const versions = ["1.24", "1.40", "1.41", "1.42", "1.43", "1.44", "1.46", "1.48", "1.50", "1.51"];

compareGroup("system", {
  protocol: [
    step("ping", "GET /_ping"),
    step("ping: head", "HEAD /_ping"),
    step("ping: versioned", `GET ${v}/_ping`),
    step("version: too old", "GET /v1.23/version"),
    step("version: much too old", "GET /v1.0/version"),
    step("version: too new", "GET /v1.99/version"),
    step("version: no number", "GET /v1.x/version"),
    step("version: of another kind", "GET /v1/version"),
    step("version: three numbers", "GET /v1.40.1/version"),
    step("version: none", "GET /v/version"),
    step("page: unknown", `GET ${v}/strange`),
    step("page: unversioned", "GET /strange"),
    step("page: root", "GET /"),
    step("page: wrong method", `DELETE ${v}/containers/json`),
    step("page: wrong method of a known path", `PUT ${v}/version`),
    step("page: with a slash at its end", `GET ${v}/version/`),
    step("page: two slashes", `GET ${v}//version`),
    step("page: dots", `GET ${v}/containers/../version`),
    step("page: encoded slash", `GET ${v}/containers/a%2Fb/json`),
    step("page: bad encoding", `GET ${v}/containers/json?filters=%zz`),
    step("page: options", `OPTIONS ${v}/containers/json`),
    step("page: head of a list", `HEAD ${v}/containers/json`),
    step("body: trailing data", `POST ${v}/volumes/create`, {
      body: '{"Name":"x1"} more',
      headers: { "Content-Type": "application/json" },
    }),
    step("body: charset", `POST ${v}/volumes/create`, {
      body: '{"Name":"charset"}',
      headers: { "Content-Type": "application/json; charset=utf-8" },
    }),
    step("body: bad content type", `POST ${v}/volumes/create`, {
      body: '{"Name":"x2"}',
      headers: { "Content-Type": "/" },
    }),
    step("body: null", `POST ${v}/volumes/create`, {
      body: "null",
      headers: { "Content-Type": "application/json" },
    }),
    step("body: names in other cases", `POST ${v}/volumes/create`, {
      body: '{"nAmE":"cased"}',
      headers: { "Content-Type": "application/json" },
    }),
  ],
  "info, version, usage": [
    ...versions.map((n) => step(`info: ${n}`, `GET /v${n}/info`)),
    step("version", `GET ${v}/version`),
    step("version: 1.24", "GET /v1.24/version"),
    ...versions.map((n) => step(`usage: ${n}`, `GET /v${n}/system/df`, { sort: "" })),
    step("usage: of containers", `GET ${v}/system/df?type=container`),
    step("usage: of two", `GET ${v}/system/df?type=volume&type=build-cache`, { sort: "" }),
    step("usage: of nothing known", `GET ${v}/system/df?type=strange`),
    step("auth: without a body", `POST ${v}/auth`),
    step("auth: broken", `POST ${v}/auth`, { body: '{"', headers: { "Content-Type": "application/json" } }),
    step("auth: no registry", `POST ${v}/auth`, {
      body: { username: "a", password: "b", serveraddress: "localhost:1" },
    }),
  ],
  events: [
    step("events: since after until", `GET ${v}/events?since=2&until=1`),
    step("events: bad since", `GET ${v}/events?since=x`),
    step("events: bad until", `GET ${v}/events?until=x`),
    step("events: bad filters", `GET ${v}/events?until=1&filters=x`),
    step("events: unknown filter", `GET ${v}/events?until=1&filters=${filters({ strange: ["x"] })}`),
    step("events: none", `GET ${v}/events?since=1&until=2`),
    step("make", `POST ${v}/containers/create?name=seen`, {
      body: {
        Image: "busybox",
        Cmd: ["sh", "-c", "exit 3"],
        Labels: { k: "v" },
        HostConfig: { NetworkMode: "none" },
      },
      as: "seen",
      silent: true,
    }),
    step("start", `POST ${v}/containers/seen/start`, { silent: true }),
    step("wait", `POST ${v}/containers/seen/wait`, { silent: true }),
    step("remove", `DELETE ${v}/containers/seen`, { silent: true }),
    ...versions.map((n) =>
      step(
        `events: of a container ${n}`,
        `GET /v${n}/events?since=1&filters=${filters({ container: ["seen"] })}`,
        { cut: 300 },
      ),
    ),
    step("events: of a type", `GET ${v}/events?since=1&filters=${filters({ type: ["image"] })}`, {
      cut: 300,
    }),
    step("events: of an action", `GET ${v}/events?since=1&filters=${filters({ event: ["die"] })}`, {
      cut: 300,
    }),
    step("events: of a label", `GET ${v}/events?since=1&filters=${filters({ label: ["k=v"] })}`, {
      cut: 300,
    }),
  ],
});
