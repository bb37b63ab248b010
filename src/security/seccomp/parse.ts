/**
 * Reads seccomp profiles from JSON and says where they are wrong. As in Go's decoder, which Docker uses, the case of
 * keys doesn't matter, unknown keys are ignored and null is absent.
 * @module
 */
import { failure, messageOf } from "../../errors/mod.ts";
import {
  type OciSeccomp,
  type ProfileRule,
  type RuleCondition,
  type SeccompAction,
  type SeccompArgument,
  type SeccompProfile,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
  type Word,
} from "./types.ts";

/** Highest errno that the kernel returns (MAX_ERRNO, linux/err.h). */
const maxErrno = 4095;
const maxWord = 0xffffffffffffffffn;

/**
 * Reads a profile in Docker's form.
 * @throws invalid-parameter `Decoding seccomp profile failed: …`, as Docker says it, with the place and the reason
 */
export function parseProfile(text: string): SeccompProfile {
  const profile = object(parseText(text), "profile");
  const architectures = optional(profile, "architectures", architectureList);
  const archMap = optional(profile, "archMap", (value, at) =>
    list(value, at).map((entry, i) => {
      const fields = object(entry, `${at}[${i}]`);
      return {
        architecture: oneOf(seccompArchitectures, "arch")(
          fields.get("architecture"),
          `${at}[${i}].architecture`,
        ),
        subArchitectures: optional(fields, "subArchitectures", architectureList, `${at}[${i}].`) ?? [],
      };
    }),
  );
  if (architectures?.length && archMap?.length) {
    refuse(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  const syscalls = optional(profile, "syscalls", rules) ?? [];
  const off = profile.get("defaultaction") === undefined || profile.get("defaultaction") === "";
  if (off && syscalls.length === 0) return { syscalls };
  return { ...common(profile), architectures, archMap, syscalls };
}

/**
 * Reads OCI's `linux.seccomp`, already parsed from JSON ({@link parseExactly} keeps numbers above 2^53 exact).
 * @throws invalid-parameter `Decoding seccomp profile failed: …`
 */
export function parseOciSeccomp(value: unknown): OciSeccomp {
  const profile = object(value, "seccomp");
  return {
    ...common(profile),
    architectures: optional(profile, "architectures", architectureList),
    syscalls: optional(profile, "syscalls", rules) ?? [],
  };
}

/** JSON.parse that keeps integers which a double can't hold as bigint; seccomp compares 64-bit words. */
export function parseExactly(text: string): unknown {
  // A reviver makes parsing several times slower and few texts need one.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context?.source ?? "")
      : value,
  );
}

/** JSON.stringify for what {@link parseExactly} reads: a bigint is written as the number that it is. */
export function printExactly(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? rawNumber(each) : each));
}

/** JSON.rawJSON of ECMAScript 2026, which TypeScript's library doesn't know yet. */
function rawNumber(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}

/** For what Docker finds only after decoding, and says without the prefix. */
function refuse(message: string, cause?: unknown): never {
  throw failure("invalid-parameter", { message }, cause);
}

function wrong(reason: string, cause?: unknown): never {
  return refuse(`Decoding seccomp profile failed: ${reason}`, cause);
}

function parseText(text: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    return wrong(messageOf(error), error);
  }
}

function common(profile: Fields): Omit<OciSeccomp, "architectures" | "syscalls"> {
  const defaultAction = oneOf(seccompActions, "action")(profile.get("defaultaction"), "defaultAction");
  return {
    defaultAction,
    defaultErrnoRet: errnoFor(defaultAction, profile, "defaultErrnoRet", ""),
    flags: optional(profile, "flags", (value, at) =>
      list(value, at).map((flag, i) => oneOf(seccompFlags, "flag")(flag, `${at}[${i}]`)),
    ),
    listenerPath: optional(profile, "listenerPath", string),
    listenerMetadata: optional(profile, "listenerMetadata", string),
  };
}

function rules(value: unknown, at: string): ProfileRule[] {
  return list(value, at).map((entry, i) => rule(object(entry, `${at}[${i}]`), `${at}[${i}].`));
}

function rule(fields: Fields, at: string): ProfileRule {
  const name = optional(fields, "name", string, at);
  let names = optional(fields, "names", strings, at) ?? [];
  if (name) {
    if (names.length > 0) {
      refuse("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
    }
    names = [name];
  }
  const action = oneOf(seccompActions, "action")(fields.get("action"), `${at}action`);
  return {
    names,
    action,
    errnoRet: errnoFor(action, fields, "errnoRet", at),
    args: optional(
      fields,
      "args",
      (value, where) => list(value, where).map((entry, i) => argument(entry, `${where}[${i}]`)),
      at,
    ),
    includes: optional(fields, "includes", condition, at),
    excludes: optional(fields, "excludes", condition, at),
  };
}

function argument(value: unknown, at: string): SeccompArgument {
  const fields = object(value, at);
  const index = Number(word(fields.get("index") ?? 0, `${at}.index`));
  if (index > 5) wrong(`${at}.index: syscalls only have up to 6 arguments (${index} given)`);
  return {
    index,
    value: word(fields.get("value") ?? 0, `${at}.value`),
    valueTwo: word(fields.get("valuetwo") ?? 0, `${at}.valueTwo`),
    op: oneOf(seccompOperators, "operator")(fields.get("op"), `${at}.op`),
  };
}

function condition(value: unknown, at: string): RuleCondition {
  const fields = object(value, at);
  return {
    caps: optional(fields, "caps", strings, `${at}.`),
    arches: optional(fields, "arches", strings, `${at}.`),
    minKernel: optional(fields, "minKernel", kernelVersion, `${at}.`),
  };
}

function kernelVersion(value: unknown, at: string): string | undefined {
  const refuse = (): never =>
    wrong(`${at}: invalid kernel version: ${print(value)}, expected "<kernel>.<major>"`);
  if (value === "") return undefined;
  if (typeof value !== "string" || !/^\d{1,3}\.\d{1,3}$/.test(value)) return refuse();
  const parts = value.split(".").map(Number);
  return parts.some((part) => part > 255) || parts.every((part) => part === 0) ? refuse() : value;
}

function errnoFor(action: SeccompAction, fields: Fields, key: string, at: string): number | undefined {
  const given = fields.get(key.toLowerCase());
  if (given === undefined) return undefined;
  const errno = word(given, at + key);
  if (action !== "SCMP_ACT_ERRNO" && action !== "SCMP_ACT_TRACE")
    wrong(`${at}${key}: the action ${action} takes no errno`);
  const limit = action === "SCMP_ACT_ERRNO" ? maxErrno : 0xffff;
  if (errno > limit) wrong(`${at}${key}: ${errno} is above ${limit}`);
  return Number(errno);
}

type Fields = ReadonlyMap<string, unknown>;

function object(value: unknown, at: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    wrong(`${at}: an object is needed, not ${print(value)}`);
  const fields = new Map<string, unknown>();
  for (const [key, field] of Object.entries(value)) if (field !== null) fields.set(key.toLowerCase(), field);
  return fields;
}

function optional<T>(
  fields: Fields,
  key: string,
  read: (value: unknown, at: string) => T,
  at = "",
): T | undefined {
  const value = fields.get(key.toLowerCase());
  return value === undefined ? undefined : read(value, at + key);
}

function list(value: unknown, at: string): unknown[] {
  return Array.isArray(value) ? value : wrong(`${at}: a list is needed, not ${print(value)}`);
}

function string(value: unknown, at: string): string {
  return typeof value === "string" ? value : wrong(`${at}: a string is needed, not ${print(value)}`);
}

function strings(value: unknown, at: string): string[] {
  return list(value, at).map((entry, i) => string(entry, `${at}[${i}]`));
}

function architectureList(value: unknown, at: string): SeccompProfile["architectures"] & {} {
  return list(value, at).map((entry, i) => oneOf(seccompArchitectures, "arch")(entry, `${at}[${i}]`));
}

function oneOf<const T extends readonly string[]>(
  known: T,
  what: string,
): (value: unknown, at: string) => T[number] {
  return (value, at) =>
    known.find((candidate) => candidate === value) ??
    wrong(
      `${at}: string ${typeof value === "string" ? value : print(value ?? "")} is not a valid ${what} for seccomp`,
    );
}

function word(value: unknown, at: string): Word {
  const integer = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (!integer || value < 0 || value > maxWord)
    wrong(`${at}: an unsigned 64-bit number is needed, not ${print(value)}`);
  return value;
}

function print(value: unknown): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
