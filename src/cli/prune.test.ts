import { expect, test } from "bun:test";
import { pruneContainers, pruneImages, pruneNetworks, pruneVolumes } from "./prune.ts";
import { runCommand } from "./testing.ts";

const answers = {
  "POST /containers/prune": { json: { ContainersDeleted: ["a", "b"], SpaceReclaimed: 1500 } },
  "POST /images/prune": { json: { ImagesDeleted: [{ Untagged: "x:1" }, { Deleted: "sha256:1" }] } },
  "POST /volumes/prune": { json: { VolumesDeleted: null, SpaceReclaimed: 0 } },
};

test("what went is listed, with the space that it gave back", async () => {
  expect(await runCommand(pruneContainers, ["-f", "--filter", "until=1h"], answers)).toMatchObject({
    code: 0,
    stdout: "Deleted Containers:\na\nb\n\nTotal reclaimed space: 1.5kB\n",
    asked: ['POST /containers/prune?filters={"until":{"1h":true}}'],
  });
  expect((await runCommand(pruneImages, ["-f"], answers)).stdout).toBe(
    "Deleted Images:\nuntagged: x:1\ndeleted: sha256:1\n\nTotal reclaimed space: 0B\n",
  );
  expect((await runCommand(pruneVolumes, ["-f"], answers)).stdout).toBe("Total reclaimed space: 0B\n");
});

test("networks give back no space", async () => {
  const pruned = async (NetworksDeleted: string[] | null): Promise<string> => {
    const answer = { "POST /networks/prune": { json: { NetworksDeleted } } };
    return (await runCommand(pruneNetworks, ["-f"], answer)).stdout;
  };
  expect(await pruned(["a", "b"])).toBe("Deleted Networks:\na\nb\n\n");
  expect(await pruned(null)).toBe("");
});

test("--all widens the filter", async () => {
  const asked = async (
    command: typeof pruneImages,
    ...argv: readonly string[]
  ): Promise<string | undefined> => (await runCommand(command, argv, answers)).asked[0];
  expect(await asked(pruneImages, "-f")).toBe('POST /images/prune?filters={"dangling":{"true":true}}');
  expect(await asked(pruneImages, "-f", "-a")).toBe('POST /images/prune?filters={"dangling":{"false":true}}');
  expect(await asked(pruneVolumes, "-f")).toBe("POST /volumes/prune");
  expect(await asked(pruneVolumes, "-f", "-a")).toBe('POST /volumes/prune?filters={"all":{"true":true}}');
});

test("only a yes is a yes", async () => {
  for (const [typed, asked] of [
    ["y\n", 1],
    [" Y \n", 1],
    ["n\ny\n", 0],
    ["yes\n", 0],
    ["", 0],
  ] as const) {
    const ran = await runCommand(pruneContainers, [], answers, { stdin: typed });
    expect(ran.stdout).toStartWith("WARNING! This will remove all stopped containers.\n");
    expect(ran.asked, JSON.stringify(typed)).toHaveLength(asked);
  }
});
