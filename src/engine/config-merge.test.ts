import { expect, test } from "bun:test";
import { commandLine, mergeConfig } from "./config-merge.ts";

const id = "0123456789abcdef".repeat(4);
const image = {
  Env: ["PATH=/bin", "A=image"],
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  User: "app",
  WorkingDir: "/srv",
  Labels: { from: "image" },
  ExposedPorts: { "80/tcp": {} },
  StopSignal: "SIGINT",
};

test("what the client leaves open the image says", () => {
  const config = mergeConfig(id, { Image: "x" }, image, false);
  expect(config).toMatchObject({
    Hostname: "0123456789ab",
    User: "app",
    WorkingDir: "/srv",
    Entrypoint: ["/entry"],
    Cmd: ["serve"],
    StopSignal: "SIGINT",
    Env: ["PATH=/bin", "A=image"],
    ExposedPorts: { "80/tcp": {} },
  });
  expect(commandLine(config)).toEqual(["/entry", "serve"]);
});

test("the client's own come first and win", () => {
  const config = mergeConfig(
    id,
    { Env: ["A=own"], Labels: { from: "client" }, User: "0", Hostname: "h" },
    image,
    false,
  );
  expect(config.Env).toEqual(["A=own", "PATH=/bin"]);
  expect(config.Labels).toEqual({ from: "client" });
  expect([config.User, config.Hostname]).toEqual(["0", "h"]);
});

test("an entrypoint of the client's drops the image's command, a command keeps the image's entrypoint", () => {
  expect(commandLine(mergeConfig(id, { Entrypoint: ["sh"] }, image, false))).toEqual(["sh"]);
  expect(commandLine(mergeConfig(id, { Cmd: ["other"] }, image, false))).toEqual(["/entry", "other"]);
  expect(commandLine(mergeConfig(id, { Entrypoint: [""], Cmd: ["ls"] }, image, false))).toEqual(["ls"]);
});

test("something must be run", () => {
  expect(() => mergeConfig(id, {}, {}, false)).toThrow("no command specified");
});

test("with the host's network the container has no host name of its own", () => {
  expect(mergeConfig(id, {}, image, true).Hostname).toBe("");
});
