import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { df } from "./df.ts";

const usage = {
  LayersSize: 3000,
  Images: [
    {
      Id: `sha256:${"a".repeat(64)}`,
      RepoTags: ["used:1"],
      RepoDigests: [],
      Size: 1500,
      SharedSize: 500,
      Containers: 2,
      Created: 0,
    },
    {
      Id: `sha256:${"b".repeat(64)}`,
      RepoTags: ["unused:1"],
      RepoDigests: [],
      Size: 2000,
      SharedSize: 500,
      Containers: 0,
      Created: 0,
    },
  ],
  Containers: [
    {
      Id: "c".repeat(64),
      Names: ["/web"],
      Image: "used:1",
      Command: "sh",
      State: "running",
      Status: "Up",
      SizeRw: 100,
      SizeRootFs: 9,
      Mounts: [],
      Created: 0,
    },
    {
      Id: "d".repeat(64),
      Names: ["/old"],
      Image: "used:1",
      Command: "sh",
      State: "exited",
      Status: "Exited",
      SizeRw: 300,
      Mounts: [],
      Created: 0,
    },
  ],
  Volumes: [
    { Name: "data", Driver: "local", Mountpoint: "/v", UsageData: { Size: 700, RefCount: 1 } },
    { Name: "free", Driver: "local", Mountpoint: "/w", UsageData: { Size: 300, RefCount: 0 } },
    { Name: "unknown", Driver: "nfs", Mountpoint: "/x", UsageData: { Size: -1, RefCount: -1 } },
  ],
  BuildCache: [],
};
const answers = { "GET /system/df": { json: usage } };

test("what there is, what is used, what could be had back", async () => {
  const { code, stdout } = await runCommand(df, [], answers);
  expect(code).toBe(0);
  expect(stdout.split("\n").map((line) => line.trimEnd().replaceAll(/ {2,}/g, "|"))).toEqual([
    "TYPE|TOTAL|ACTIVE|SIZE|RECLAIMABLE",
    "Images|2|1|3kB|2kB (66%)",
    "Containers|2|1|400B|300B (75%)",
    "Local Volumes|3|1|1kB|300B (30%)",
    "Build Cache|0|0|0B|0B",
    "",
  ]);
});

test("a template sees a line for each kind", async () => {
  const { stdout } = await runCommand(df, ["--format", "{{.Type}}={{.Reclaimable}}"], answers);
  expect(stdout).toBe("Images=2kB (66%)\nContainers=300B (75%)\nLocal Volumes=300B (30%)\nBuild Cache=0B\n");
});

test("an engine without anything has nothing to give back, and no percentage of it", async () => {
  const { stdout } = await runCommand(df, [], { "GET /system/df": { json: {} } });
  expect(stdout).not.toContain("%");
  expect(stdout).toContain("Images          0         0         0B        0B");
});

test("-v shows each thing; a container's size is what it wrote alone", async () => {
  const { stdout } = await runCommand(df, ["-v"], answers);
  expect(stdout).toStartWith("Images space usage:\n\nREPOSITORY ");
  for (const part of [
    "\nContainers space usage:\n\nCONTAINER ID ",
    "\nLocal Volumes space usage:\n\nVOLUME NAME ",
    "\nBuild cache usage: 0B\n\nCACHE ID ",
  ])
    expect(stdout).toContain(part);
  expect(stdout).toMatch(/\nused +1 +a{12} .* 1\.5kB +500B +1kB +2\n/);
  expect(stdout).toMatch(/\nc{12} +used:1 +"sh" +0 +100B /);
  expect(stdout).toMatch(/\ndata +1 +700B\n/);
});
