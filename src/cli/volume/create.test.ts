import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { createVolume } from "./create.ts";

const answers = { "POST /volumes/create": { status: 201, json: { Name: "data" } } };

test("flags become the request; the engine's name is printed", async () => {
  const argv = [
    "--label",
    "a=1",
    "--label",
    "b",
    "-o",
    "type=tmpfs",
    "-o",
    "o=size=1m",
    "-d",
    "other",
    "data",
  ];
  const ran = await runCommand(createVolume, argv, answers);
  expect(ran).toMatchObject({ code: 0, stdout: "data\n" });
  expect(JSON.parse(ran.bodies[0] ?? "")).toEqual({
    Name: "data",
    Driver: "other",
    DriverOpts: { type: "tmpfs", o: "size=1m" },
    Labels: { a: "1", b: "" },
  });
});

test("without a name the engine makes one up", async () => {
  const ran = await runCommand(createVolume, [], answers);
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({ Name: "", Driver: "local" });
});

test("one name is enough", async () => {
  const ran = await runCommand(createVolume, ["--name", "a", "b"], answers);
  expect(ran.problem).toContain("cannot specify a volume-name through both --name and as a positional arg");
  expect(ran.asked).toEqual([]);
});
