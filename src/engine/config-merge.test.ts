import { expect, test } from "bun:test";
import { commandLine, mergeConfig } from "./config-merge.ts";

const own = "0123456789ab";
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
  const config = mergeConfig({ Image: "x" }, image, own);
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
    { Env: ["A=own"], Labels: { from: "client" }, User: "0", Hostname: "h" },
    image,
    own,
  );
  expect(config.Env).toEqual(["A=own", "PATH=/bin"]);
  expect(config.Labels).toEqual({ from: "client" });
  expect([config.User, config.Hostname]).toEqual(["0", "h"]);
});

test("an entrypoint of the client's drops the image's command, a command keeps the image's entrypoint", () => {
  expect(commandLine(mergeConfig({ Entrypoint: ["sh"] }, image, own))).toEqual(["sh"]);
  expect(commandLine(mergeConfig({ Cmd: ["other"] }, image, own))).toEqual(["/entry", "other"]);
  expect(commandLine(mergeConfig({ Entrypoint: [""], Cmd: ["ls"] }, image, own))).toEqual(["ls"]);
});

test("something must be run", () => {
  expect(() => mergeConfig({}, {}, own)).toThrow("no command specified");
});

test("a variable has a name", () => {
  for (const entry of ["", "=x"])
    expect(() => mergeConfig({ Env: [entry] }, image, own)).toThrow(`invalid environment variable: ${entry}`);
});
