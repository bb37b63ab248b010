/**
 * Mounts, links and devices in every spelling beside what dockerd 28.5.2 made of the same: whether it takes them, what it
 * says if not, and what `inspect` shows of the mounts.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { donor, specs } from "./specs.ts";

interface Verdict {
  readonly status?: number;
  readonly message?: string;
  readonly mounts?: readonly Readonly<Record<string, unknown>>[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dir, "golden-specs.json"), "utf8")) as Record<
  string,
  Verdict
>;

/** Where this engine means to say something else, and why. */
const otherwise: Readonly<Record<string, Verdict>> = {
  // What can't be right is refused when it is asked for, not when the container starts.
  "bind /srv:/proc/1": { status: 400 },
  "bind read-only forced, not private": {
    status: 400,
    message: "mount options conflict: Propagation must be rprivate for BindOptions.ReadOnlyForceRecursive",
  },
  "ipc container without name": { status: 400, message: "No such container: " },
  // Everybody has the device's name in the list of what may be done to it; nobody knows what `xyz` would allow.
  "device with wrong permissions": { status: 400 },
  // As the empty list of the command line: all of them.
  "device without permissions": { mounts: [] },
};

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  await engine.request("POST", "/containers/create?name=donor", donor);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  for (const path of ["/nothere-made", "/nothere-made2"]) rmdirSync(path);
});

type Shown = Readonly<Record<string, string>>;

/** Without what differs between any two engines. */
function comparable(mounts: readonly Shown[]): object[] {
  return mounts
    .toSorted((a, b) => ((a["Destination"] ?? "") < (b["Destination"] ?? "") ? -1 : 1))
    .map((mount) => ({
      ...mount,
      ...(/^[0-9a-f]{64}$/.test(mount["Name"] ?? "") ? { Name: "ANONYMOUS" } : {}),
      Source: (mount["Source"] ?? "")
        .replace(/^.*\/volumes\//, "VOLUMES/")
        .replace(/[0-9a-f]{64}/, "ANONYMOUS")
        .replace(/^.*\/overlay2\/.*$/, "LAYERS"),
    }));
}

async function verdict(name: string, host: object): Promise<Verdict> {
  const mode = name.startsWith("link") ? "bridge" : "none";
  const body = { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: mode, ...host } };
  const made = await engine.request("POST", "/containers/create", body);
  const refusal = (answer: typeof made): Verdict => ({
    status: answer.status,
    message: answer
      .json<{ readonly message: string }>()
      .message.replaceAll(`${engine.dataRoot}/`, "DATA/")
      .replaceAll(/[0-9a-f]{64}/g, "ID")
      .replace(/AS \/[a-z_]+\//, "AS /NAME/"),
  });
  if (made.status !== 201) return refusal(made);
  const { Id } = made.json<{ readonly Id: string }>();
  const { Mounts } = (await engine.request("GET", `/containers/${Id}/json`)).json<{ Mounts: Shown[] }>();
  const started = await engine.request("POST", `/containers/${Id}/start`);
  await engine.request("DELETE", `/containers/${Id}?force=1&v=1`);
  return started.status >= 300 ? refusal(started) : { mounts: comparable(Mounts) as Shown[] };
}

test("the table is the one that dockerd was asked", () => {
  expect(Object.keys(specs)).toEqual(Object.keys(golden));
});

test.each(Object.entries(specs))("%s", async (name, host) => {
  const theirs = golden[name] ?? {};
  const ours = await verdict(name, host);
  const meant = otherwise[name];
  if (meant !== undefined) {
    expect(ours).toMatchObject(meant);
    return;
  }
  if (theirs.mounts !== undefined) {
    // Docker leaves the name out of an anonymous volume of `-v /x`.
    const named = theirs.mounts.map((mount, index) =>
      mount["Type"] === "volume" && mount["Name"] === undefined
        ? { ...mount, Name: ours.mounts?.[index]?.["Name"] }
        : mount,
    );
    expect(ours).toEqual({ mounts: named as Shown[] });
    return;
  }
  // What the client got wrong is 400 here, where Docker has forgotten to say so.
  expect([theirs.status, ...(theirs.status === 500 ? [400, 409] : [])]).toContain(ours.status);
  // Docker tells what its runtime said.
  if (theirs.message !== "OCI runtime") expect(ours.message).toBe(theirs.message);
});
