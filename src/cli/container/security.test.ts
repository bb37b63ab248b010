import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseSecurity } from "./security.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-security-`);
afterAll(() => rmSync(directory, { recursive: true }));

test("options of the engine pass, systempaths is the client's own", () => {
  const words = ["no-new-privileges", "label=disable", "label:type:x", "seccomp=unconfined"];
  expect(parseSecurity(words)).toEqual({ options: words, systemPathsUnconfined: false });
  expect(parseSecurity(["systempaths=unconfined", "seccomp=builtin"])).toEqual({
    options: ["seccomp=builtin"],
    systemPathsUnconfined: true,
  });
});

test("a profile is sent as its content", () => {
  const file = `${directory}/profile.json`;
  writeFileSync(file, '{\n  "defaultAction": "SCMP_ACT_ALLOW"\n}\n');
  expect(parseSecurity([`seccomp=${file}`]).options).toEqual(['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']);
});

test("one that can't be read or isn't JSON is refused", () => {
  const missing = `${directory}/missing`;
  expect(() => parseSecurity([`seccomp=${missing}`])).toThrow(
    `opening seccomp profile (${missing}) failed: open ${missing}: no such file or directory`,
  );
  const broken = `${directory}/broken`;
  writeFileSync(broken, "{");
  expect(() => parseSecurity([`seccomp:${broken}`])).toThrow(
    `compacting json for seccomp profile (${broken}) failed`,
  );
});

test("a word without a value is refused", () => {
  expect(() => parseSecurity(["seccomp"])).toThrow('Invalid --security-opt: "seccomp"');
});
