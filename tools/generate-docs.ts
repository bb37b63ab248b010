/**
 * `make docs`: writes the generated pages of docs/. With --check it compares instead, and ends with 1 if one is out of
 * date.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorPage } from "./error-docs.ts";
import { settingsPage } from "./settings-docs.ts";

const pages = { "errors.md": errorPage(), "daemon-settings.md": settingsPage() };
for (const [name, page] of Object.entries(pages)) {
  const path = join(import.meta.dir, "../docs", name);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, page);
  } else if (readFileSync(path, "utf8") !== page) {
    console.error(`docs/${name} is out of date: make docs`);
    process.exitCode = 1;
  }
}
