import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { installNativeBinary } from "./native-binary.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-native-`);
afterAll(() => rmSync(directory, { recursive: true }));

test("lies alone in a directory that is made for it, executable by its owner only", () => {
  const path = installNativeBinary(`${directory}/deep/er`);
  expect(path).toBe(`${directory}/deep/er/caisson-native`);
  expect(readdirSync(`${directory}/deep/er`)).toEqual(["caisson-native"]);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(readFileSync(path).toString("latin1", 1, 4)).toBe("ELF");
});

test("takes the place of an older one, which whoever runs it keeps", () => {
  const path = `${directory}/caisson-native`;
  writeFileSync(path, "old");
  chmodSync(path, 0o400);
  const { ino } = statSync(path);
  installNativeBinary(directory);
  expect(statSync(path).ino).not.toBe(ino);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});
