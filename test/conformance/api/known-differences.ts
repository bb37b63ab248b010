/**
 * docs/known-differences.md, as the suite uses it: each row excuses differences of some answers, and must excuse one.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A row of the table. */
export interface KnownDifference {
  /** A glob of `GROUP/STEP`. */
  readonly answers: string;
  /** A glob of where in an answer: `status`, `headers.NAME`, `body.FIELD.FIELD`; `[n]` is `.n`. */
  readonly field: string;
  readonly reason: string;
}

const file = join(import.meta.dir, "../../../docs/known-differences.md");

/** The rows of the page's table. */
export function readKnownDifferences(): readonly KnownDifference[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const [, answers = "", field = "", reason = ""] = line.split(" | ").join("|").split("|");
      return { answers: bare(answers), field: bare(field), reason: reason.trim() };
    });
}

const bare = (cell: string): string => cell.trim().replaceAll("`", "");

/** Whether a row is of an answer. */
export function isOf({ answers }: KnownDifference, step: string): boolean {
  return new Bun.Glob(answers).match(step);
}

/** Whether a row excuses a difference in a field. */
export function excuses(known: KnownDifference, step: string, field: string): boolean {
  // A field is matched as a path: `*` is one name, `**` any number of them.
  const asPath = (text: string): string => text.replaceAll(".", "/");
  return isOf(known, step) && new Bun.Glob(asPath(known.field)).match(asPath(field));
}
