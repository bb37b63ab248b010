/**
 * House rules that no linter knows.
 * @module
 */

/** A rule that a file breaks. */
export interface Breach {
  readonly path: string;
  /** 1-based; 0 for the file as a whole. */
  readonly line: number;
  readonly text: string;
}

const mostLines = 500;
const attics = /(?:^|\/)(?:utils?|common|misc|helpers?)(?:\.test)?(?:\.ts|\/)/;
/** Compilers of tables are not read by lines. */
const generated = /^src\/kernel\/syscalls\/tables\//;

/** Tests, and what only tests use. */
const testing = /\.test\.ts$|\/(?:testing|suite|fake-[^/]+|crafted-[^/]+)\.ts$/;
/** Bun's own: processes, and connections that keep half open, each in one place. */
const bunPlaces = new Set(["src/kernel/spawn.ts", "src/client/wire.ts", "src/api/idle-memory.ts"]);

/** What the file at `path` (from the repository's root) with this content breaks. */
export function breachesOf(path: string, content: string): readonly Breach[] {
  const breaches: Breach[] = [];
  const lines = content.split("\n");
  const isTest = testing.test(path) || !path.startsWith("src/");
  if (attics.test(path)) breaches.push({ path, line: 0, text: "a file is named after what it does" });
  if (lines.length - 1 > mostLines && !generated.test(path)) {
    breaches.push({ path, line: 0, text: `${lines.length - 1} lines, ${mostLines} are the most` });
  }
  for (const [index, line] of lines.entries()) {
    const say = (text: string): void => void breaches.push({ path, line: index + 1, text });
    if (!isTest && /\bnew (?:Type|Range)?Error\(/.test(line) && /\bthrow\b/.test(line)) {
      say("errors come from the registry: failure(code, params, cause)");
    }
    if (/(?:\/\/|^\s*\*).*\b(?:TODO|FIXME|XXX)\b/.test(line))
      say("unfinished work is an issue, not a comment");
    if (/@ts-(?:ignore|nocheck)/.test(line) && !path.startsWith("tools/source-rules"))
      say("types are not switched off");
    if (
      !isTest &&
      !bunPlaces.has(path) &&
      /from "bun"|from "bun:(?!sqlite)|\bBun\.(?!spawn\b)/.test(line) &&
      !/^\s*(?:\*|\/\/|\/\*)/.test(line)
    ) {
      say("node: modules only, except for bun:sqlite and Bun.spawn");
    }
  }
  if (path.startsWith("src/") && !isTest && !/^(?:\/\/.*\n)*\/\*\*/.test(content)) {
    breaches.push({ path, line: 1, text: "a file opens with what it is for" });
  }
  return breaches;
}
