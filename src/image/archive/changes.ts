/**
 * Dockerfile instructions that change an image's configuration, as `import` and `commit` take them (`--change`).
 * Source: Dockerfile reference; texts of moby's builder/dockerfile.
 * @module
 */
import { constants } from "node:os";
import { posix } from "node:path";
import { failure, type CaissonError } from "../../errors/mod.ts";
import type { ImageRunConfig } from "../config.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { jsonWords } from "./json-words.ts";
import { expandWord, splitWords } from "./words.ts";

type Draft = { -readonly [K in keyof ImageRunConfig]: ImageRunConfig[K] };
type Instruction = (draft: Draft, text: string, state: State) => void;

interface State {
  commandSet: boolean;
}

const defaultShell = ["/bin/sh", "-c"];

const instructions: Readonly<Record<string, Instruction>> = {
  CMD: (draft, text, state) => {
    draft.Cmd = command(draft, text);
    state.commandSet = true;
  },
  ENTRYPOINT: (draft, text, state) => {
    draft.Entrypoint = command(draft, text);
    // The command that came with the image was for the entry point that came with it.
    if (!state.commandSet) delete draft.Cmd;
  },
  ENV: (draft, text) => {
    const env = new Map((draft.Env ?? []).map((entry) => [entry.split("=", 1)[0] ?? "", entry]));
    for (const [name, value] of pairs("ENV", draft, text)) env.set(name, `${name}=${value}`);
    draft.Env = [...env.values()];
  },
  EXPOSE: (draft, text) => {
    const specs = some("EXPOSE", splitWords(text)).map((word) => expand(draft, word));
    const ports = specs.flatMap(parsePorts).map((port): [string, object] => [port, {}]);
    draft.ExposedPorts = { ...draft.ExposedPorts, ...Object.fromEntries(ports) };
  },
  HEALTHCHECK: (draft, text) => {
    draft.Healthcheck = parseHealthcheck(text);
  },
  LABEL: (draft, text) => {
    draft.Labels = { ...draft.Labels, ...Object.fromEntries(pairs("LABEL", draft, text)) };
  },
  ONBUILD: (draft, text) => {
    draft.OnBuild = [...(draft.OnBuild ?? []), trigger(text)];
  },
  STOPSIGNAL: (draft, text) => {
    const signal = expand(draft, one("STOPSIGNAL", text));
    if (!isSignal(signal)) throw bad(`invalid signal: ${signal}`);
    draft.StopSignal = signal;
  },
  USER: (draft, text) => {
    draft.User = expand(draft, one("USER", text));
  },
  VOLUME: (draft, text) => {
    const paths = some("VOLUME", jsonWords(text) ?? splitWords(text)).map((word) =>
      expand(draft, word).trim(),
    );
    if (paths.includes("")) throw bad("VOLUME specified can not be an empty string");
    draft.Volumes = { ...draft.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  WORKDIR: (draft, text) => {
    const path = posix.resolve("/", draft.WorkingDir ?? "", expand(draft, one("WORKDIR", text)));
    draft.WorkingDir = path;
  },
};

/** The configuration with the instructions applied in their order. Throws `invalid-parameter` in Docker's words. */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const draft: Draft = { ...config };
  const state: State = { commandSet: false };
  for (const line of logicalLines(changes)) {
    const match = /^(\S+)\s*([^]*)$/.exec(line);
    const word = match?.[1] ?? "";
    const instruction = instructions[word.toUpperCase()];
    if (instruction === undefined) throw bad(`${word} is not a valid change command`);
    instruction(draft, (match?.[2] ?? "").trim(), state);
  }
  // An empty list says as much as none.
  if (draft.Cmd?.length === 0) delete draft.Cmd;
  if (draft.Entrypoint?.length === 0) delete draft.Entrypoint;
  return draft;
}

/** Lines without comments and empty ones; a backslash at a line's end continues it. */
function logicalLines(changes: readonly string[]): string[] {
  const lines: string[] = [];
  let open = "";
  for (const line of changes.join("\n").split("\n")) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const continued = /^([^]*)\\[ \t]*$/.exec(line);
    if (continued !== null) open += continued[1] ?? "";
    else {
      lines.push((open + line).trim());
      open = "";
    }
  }
  return open.trim() === "" ? lines : [...lines, open.trim()];
}

function command(draft: Draft, text: string): readonly string[] {
  const words = jsonWords(text);
  if (words !== undefined) return words;
  return [...(draft.Shell ?? defaultShell), ...(text === "" ? [] : [text])];
}

function expand(draft: Draft, word: string): string {
  return expandWord(word, (name) => {
    return draft.Env?.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  });
}

/** `NAME=value …`, or the old form `NAME the rest is the value`. */
function pairs(instruction: string, draft: Draft, text: string): [string, string][] {
  const words = some(instruction, splitWords(text));
  const [first = ""] = words;
  const raw = first.includes("=") ? words.map((word) => splitPair(word)) : [oldPair(instruction, text)];
  return raw.map(([name, value]) => {
    const expanded = expand(draft, name);
    if (expanded === "") throw bad(`${instruction} names can not be blank`);
    return [expanded, expand(draft, value)];
  });
}

function splitPair(word: string): [string, string] {
  const equals = word.indexOf("=");
  if (equals < 0)
    throw bad(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function oldPair(instruction: string, text: string): [string, string] {
  const match = /^(\S+)\s+([^]+)$/.exec(text);
  if (match === null) throw bad(`${instruction} must have two arguments`);
  return [match[1] ?? "", match[2] ?? ""];
}

function trigger(text: string): string {
  const word = /^\S+/.exec(one("ONBUILD", text, "at least"))?.[0].toUpperCase();
  if (word === "ONBUILD") throw bad("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === "FROM" || word === "MAINTAINER") throw bad(`${word} isn't allowed as an ONBUILD trigger`);
  return text;
}

/** The container's ports of `[[IP:]HOST:]PORT[-PORT][/PROTOCOL]`, each as `port/protocol`. */
function parsePorts(spec: string): string[] {
  const [ports = "", protocol = "tcp"] = spec.split("/", 2);
  const name = protocol.toLowerCase() || "tcp";
  if (!["tcp", "udp", "sctp"].includes(name)) throw bad(`Invalid proto: ${protocol}`);
  const container = ports.slice(ports.lastIndexOf(":") + 1);
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(container);
  const first = Number(match?.[1] ?? Number.NaN);
  const last = Number(match?.[2] ?? first);
  if (container === "") throw bad(`No port specified: ${spec}<empty>`);
  if (!(first <= last && last <= 65_535)) throw bad(`Invalid containerPort: ${container}`);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${name}`);
}

/** A number but zero, or a name with or without SIG. */
function isSignal(text: string): boolean {
  if (/^\d{1,9}$/.test(text)) return Number(text) !== 0;
  const name = text.toUpperCase().replace(/^SIG/, "");
  return `SIG${name}` in constants.signals || /^RTM(?:IN(?:\+\d{1,2})?|AX(?:-\d{1,2})?)$/.test(name);
}

function some(instruction: string, words: readonly string[]): readonly string[] {
  if (words.length === 0) throw bad(`${instruction} requires at least one argument`);
  return words;
}

function one(instruction: string, text: string, count = "exactly"): string {
  if (text === "") throw bad(`${instruction} requires ${count} one argument`);
  return text;
}

function bad(message: string): CaissonError {
  return failure("invalid-parameter", { message });
}
