import { expect, test } from "bun:test";
import { parseImageConfig } from "./config.ts";
import { digestOf } from "./digest.ts";

const id = digestOf("layer");
const minimal = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [id] } };
const parse = (document: unknown): ReturnType<typeof parseImageConfig> =>
  parseImageConfig(
    Buffer.from(typeof document === "string" ? document : JSON.stringify(document)),
    "config x",
  );

test("a minimal configuration gets what is implied", () => {
  expect(parse(minimal)).toEqual({
    ...minimal,
    rootfs: { type: "layers", diff_ids: [id] },
    config: {},
    history: [],
  });
  expect(parse({ rootfs: {} })).toEqual({
    architecture: "",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [] },
    history: [],
  });
});

test("all that Docker knows is read, null is absent, the rest is ignored", () => {
  const config = {
    User: "1:2",
    ExposedPorts: { "80/tcp": {} },
    Env: ["A=b"],
    Cmd: ["/bin/sh"],
    Volumes: { "/v": {} },
    WorkingDir: "/w",
    Labels: { a: "b", __proto__x: "c" },
    StopSignal: "SIGINT",
    StopTimeout: 3,
    Healthcheck: { Test: ["NONE"], Interval: 5_000_000_000, Retries: 2 },
    OnBuild: ["RUN x"],
    Shell: ["/bin/sh", "-c"],
    ArgsEscaped: true,
  };
  const history = [{ created: "2020-01-01T00:00:00Z", created_by: "x", empty_layer: true }];
  expect(
    parse({ ...minimal, config: { ...config, Entrypoint: null, Hostname: 3 }, history, more: [] }),
  ).toEqual({
    ...minimal,
    rootfs: { type: "layers", diff_ids: [id] },
    config,
    history,
  });
});

test.each([
  ["not JSON", "{", "it is not JSON"],
  ["not UTF-8", '"\ud800"', "it is not a JSON object"],
  ["a list", [], "it is not a JSON object"],
  ["without layers", { config: {} }, "no RootFS key"],
  ["with a layer that is a path", { rootfs: { diff_ids: ["../../x"] } }, "invalid diffID"],
  ["with a wrong Env", { ...minimal, config: { Env: [1] } }, "config.Env is not a list of strings"],
  ["with a wrong label", { ...minimal, config: { Labels: { a: 1 } } }, "Labels is not an object of strings"],
  ["with wrong volumes", { ...minimal, config: { Volumes: ["/x"] } }, "Volumes is not an object"],
  ["with a wrong history", { ...minimal, history: [3] }, "history[0] is not a JSON object"],
  ["with a wrong time", { ...minimal, created: 3 }, "created is not a string"],
  ["with a fraction", { ...minimal, config: { StopTimeout: 1.5 } }, "StopTimeout is not an integer"],
])("a configuration %s is refused", (_, document, reason) => {
  expect(() => parse(document)).toThrow(reason);
});
