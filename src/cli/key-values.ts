/**
 * `KEY=VALUE` in flags and files: environment, labels, options.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { fs } from "./builtins.ts";
import { commandFailed } from "./failure-text.ts";
import { fileProblem } from "./file-problem.ts";

/** Takes a variable; one without a value gets the caller's. @throws usage when it has no name */
export function takeVariable(value: string): string {
  const [key] = cut(value, "=");
  if (key === "") throw failure("usage", { message: `invalid environment variable: ${value}` });
  if (value.includes("=")) return value;
  const inherited = process.env[key];
  return inherited === undefined ? value : `${key}=${inherited}`;
}

/** Takes a label. @throws usage when it has no name */
export function takeLabel(value: string): string {
  const key = cut(value, "=")[0].replace(/^[ \t]+/, "");
  if (key === "") throw failure("usage", { message: `invalid label '${value}': empty name` });
  if (/[ \t]/.test(key)) throw failure("usage", { message: `label '${key}' contains whitespaces` });
  return value;
}

/**
 * The lines of `files`, then `more`. A line without a value gets the caller's when `inherit`, or is left out.
 * @throws command-failed when a file can't be read or holds something else
 */
export function readKeyValues(
  files: readonly string[],
  more: readonly string[],
  inherit: boolean,
): readonly string[] {
  return [...files.flatMap((file) => readFile(file, inherit)), ...more];
}

function readFile(file: string, inherit: boolean): readonly string[] {
  let content: Buffer;
  try {
    content = fs().readFileSync(file);
  } catch (error) {
    throw commandFailed(fileProblem("open", file, error), error);
  }
  const wrong = (what: string): Error => commandFailed(`invalid env file (${file}): ${what}`);
  const lines: string[] = [];
  let number = 0;
  for (const raw of splitLines(content)) {
    number++;
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: number > 1 }).decode(raw);
    } catch {
      throw wrong(`invalid utf8 bytes at line ${number}: [${raw.join(" ")}]`);
    }
    const line = text.replace(/\r$/, "").trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const [key] = cut(line, "=");
    if (key === "") throw wrong(`no variable name on line '${line}'`);
    if (/[ \t]/.test(key)) throw wrong(`variable '${key}' contains whitespaces`);
    if (line.includes("=")) lines.push(line);
    else if (inherit && process.env[line] !== undefined) lines.push(`${key}=${process.env[line]}`);
    else if (!inherit) lines.push(line);
  }
  return lines;
}

function splitLines(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < content.length;) {
    const end = content.indexOf(10, at);
    lines.push(content.subarray(at, end < 0 ? content.length : end));
    at = end < 0 ? content.length : end + 1;
  }
  return lines;
}

/** `KEY=VALUE` words as a map; a word without `=` has an empty value. */
export function toMap(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => cut(word, "=")));
}

/** `text` before and after the first `separator`; the second is empty when there is none. */
export function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
