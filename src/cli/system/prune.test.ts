import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { pruneSystem } from "./prune.ts";

const answers = {
  "POST /containers/prune": { json: { ContainersDeleted: ["c1", "c2"], SpaceReclaimed: 1000 } },
  "POST /networks/prune": { json: { NetworksDeleted: ["n1"] } },
  "POST /volumes/prune": { json: { VolumesDeleted: ["v1"], SpaceReclaimed: 500 } },
  "POST /images/prune": {
    json: { ImagesDeleted: [{ Untagged: "a:1" }, { Deleted: "sha256:x" }], SpaceReclaimed: 500 },
  },
};
const paths = (asked: readonly string[]): string[] => asked.map((line) => line.split("?")[0] ?? "");

test("containers, networks, images, in this order; what went is told", async () => {
  const { code, stdout, asked } = await runCommand(pruneSystem, ["-f"], answers);
  expect(code).toBe(0);
  expect(paths(asked)).toEqual(["POST /containers/prune", "POST /networks/prune", "POST /images/prune"]);
  expect(asked[2]).toContain('{"dangling":{"true":true}}');
  expect(stdout).toBe(
    "Deleted Containers:\nc1\nc2\n\nDeleted Networks:\nn1\n\nDeleted Images:\nuntagged: a:1\ndeleted: sha256:x\n\nTotal reclaimed space: 1.5kB\n",
  );
});

test("volumes only when asked, all images with -a, filters for all of it", async () => {
  const { asked, stdout } = await runCommand(
    pruneSystem,
    ["-f", "-a", "--volumes", "--filter", "label=x"],
    answers,
  );
  expect(paths(asked)).toContain("POST /volumes/prune");
  expect(asked.every((line) => line.includes('"label":{"x":true}'))).toBe(true);
  expect(asked.at(-1)).toContain('"dangling":{"false":true}');
  expect(stdout).toContain("Deleted Volumes:\nv1\n");
});

test("who says no is asked nothing more; what would go is said before", async () => {
  const { code, stdout, asked } = await runCommand(
    pruneSystem,
    ["--filter", "label=b", "--filter", "label=a"],
    answers,
    { stdin: "n\n" },
  );
  expect([code, asked]).toEqual([0, []]);
  expect(stdout).toContain(
    `This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all dangling images
  - unused build cache

  Items to be pruned will be filtered with:
  - label=a
  - label=b
`,
  );
  const all = await runCommand(pruneSystem, ["-a", "--volumes"], answers, { stdin: "n\n" });
  expect(all.stdout).toContain(
    "  - all images without at least one container associated to them\n  - all build cache\n",
  );
  expect(all.stdout).toContain("  - all anonymous volumes not used by at least one container\n");
});

test("volumes have no age", async () => {
  const { problem, asked } = await runCommand(
    pruneSystem,
    ["-f", "--volumes", "--filter", "until=1h"],
    answers,
  );
  expect([problem, asked]).toEqual(['ERROR: The "until" filter is not supported with "--volumes"', []]);
});
