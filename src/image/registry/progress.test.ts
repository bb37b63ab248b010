import { expect, test } from "bun:test";
import { LayerProgress, progressMessage, shortDigest } from "./progress.ts";
import type { PullEvent } from "./types.ts";

const digest = `sha256:0123456789abcdef${"0".repeat(48)}`;
const layer = { mediaType: "", digest, size: 100 };

test("events in Docker's form", () => {
  expect(progressMessage({ kind: "from", repository: "library/busybox", tag: "latest" })).toEqual({
    status: "Pulling from library/busybox",
    id: "latest",
  });
  expect(progressMessage({ kind: "layer", digest, status: "Downloading", current: 5, total: 100 })).toEqual({
    status: "Downloading",
    progressDetail: { current: 5, total: 100 },
    id: "0123456789ab",
  });
  expect(progressMessage({ kind: "layer", digest, status: "Waiting" })).toEqual({
    status: "Waiting",
    progressDetail: {},
    id: "0123456789ab",
  });
  expect(progressMessage({ kind: "status", newer: false, reference: "busybox:latest" }).status).toBe(
    "Status: Image is up to date for busybox:latest",
  );
  expect(shortDigest(digest)).toBe("0123456789ab");
});

test("bytes are told at once first, then at most ten times a second, and at the end", () => {
  const events: PullEvent[] = [];
  const progress = new LayerProgress(layer, (event) => events.push(event));
  for (let current = 1; current <= 100; current += 1) progress.advance("Downloading", current);
  expect(events.map((event) => (event.kind === "layer" ? event.current : 0))).toEqual([1, 100]);
});

test("a pause is told in whole seconds", () => {
  const events: PullEvent[] = [];
  const progress = new LayerProgress(layer, (event) => events.push(event));
  progress.retrying(10);
  progress.retrying(4500);
  expect(events.map((event) => progressMessage(event).status)).toEqual([
    "Retrying in 1 second",
    "Retrying in 5 seconds",
  ]);
});
