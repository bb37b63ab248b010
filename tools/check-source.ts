/**
 * `make layers`, its second half: the house rules of source-rules.ts, on every file that git knows.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { breachesOf } from "./source-rules.ts";

const listed = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
  encoding: "utf8",
});
const files = listed.stdout.split("\n").filter((path) => path !== "" && existsSync(path));
const breaches = files.flatMap((path) => breachesOf(path, readFileSync(path, "utf8")));
for (const { path, line, text } of breaches) console.error(`${path}${line === 0 ? "" : `:${line}`}: ${text}`);
console.log(`${files.length} files, ${breaches.length} breaches of the house rules`);
process.exitCode = files.length === 0 || breaches.length > 0 ? 1 : 0;
