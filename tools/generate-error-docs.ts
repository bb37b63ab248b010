/**
 * `make docs`: writes docs/errors.md. With --check it compares instead, and ends with 1 if the page is out of date.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorPage } from "./error-docs.ts";

const path = join(import.meta.dir, "../docs/errors.md");
const page = errorPage();
if (!process.argv.includes("--check")) {
  writeFileSync(path, page);
} else if (readFileSync(path, "utf8") !== page) {
  console.error("docs/errors.md is out of date: make docs");
  process.exitCode = 1;
}
