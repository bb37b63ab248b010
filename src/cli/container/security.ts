/**
 * `--security-opt`: a seccomp profile's file is sent as its content; `systempaths=unconfined` is the client's own.
 * @module
 */
import { fs } from "../builtins.ts";
import { commandFailed } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";
import { messageOf } from "../../errors/mod.ts";

/** Security options as the engine takes them. */
export interface SecurityOptions {
  readonly options: readonly string[];
  /** Whether no path of /proc and /sys is masked. */
  readonly systemPathsUnconfined: boolean;
}

/** Reads `--security-opt` flags. @throws command-failed with docker's text */
export function parseSecurity(words: readonly string[]): SecurityOptions {
  const options = words.map(one);
  return {
    options: options.filter((option) => option !== "systempaths=unconfined"),
    systemPathsUnconfined: options.includes("systempaths=unconfined"),
  };
}

function one(word: string): string {
  if (word === "no-new-privileges") return word;
  const match = /^([^=]*)=(.+)$/s.exec(word) ?? /^([^:=]*):(.+)$/s.exec(word);
  if (match === null) throw commandFailed(`Invalid --security-opt: ${JSON.stringify(word)}`);
  const [, key, value = ""] = match;
  if (key !== "seccomp" || value === "unconfined" || value === "builtin") return word;
  return `seccomp=${compactProfile(value)}`;
}

function compactProfile(file: string): string {
  let text: string;
  try {
    text = fs().readFileSync(file, "utf8");
  } catch (error) {
    throw commandFailed(
      `opening seccomp profile (${file}) failed: ${fileProblem("open", file, error)}`,
      error,
    );
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw commandFailed(`compacting json for seccomp profile (${file}) failed: ${messageOf(error)}`, error);
  }
}
