/**
 * `sockets` of daemon.json: more places to listen at, each with what may be asked there.
 * @module
 */
import type { SocketOptions, SocketPolicy } from "../engine/daemon-options.ts";
import { commandFailed } from "./failure-text.ts";

type Members = Readonly<Record<string, unknown>>;

/** Reads the JSON of `sockets`. @throws command-failed for what is no socket or no policy */
export function socketsOf(json: string | undefined): readonly SocketOptions[] {
  if (json === undefined || json === "") return [];
  const list = JSON.parse(json) as unknown;
  if (!Array.isArray(list)) throw wrong("sockets", "must be a list of objects");
  return list.map((entry: unknown, index) => {
    const where = `sockets[${index}]`;
    const members = objectAt(where, entry, ["host", "group", "policy"]);
    const host = textAt(`${where}.host`, members["host"]);
    if (host === undefined) throw wrong(where, 'needs a "host"');
    const group = textAt(`${where}.group`, members["group"]);
    const policy = policyAt(`${where}.policy`, members["policy"]);
    return {
      host,
      ...(group === undefined ? {} : { group }),
      ...(policy === undefined ? {} : { policy }),
    };
  });
}

function policyAt(where: string, value: unknown): SocketPolicy | undefined {
  if (value === undefined) return undefined;
  const members = objectAt(where, value, ["read-only", "label", "no-privileged", "no-host-mounts"]);
  const label = textAt(`${where}.label`, members["label"]);
  if (label !== undefined && !/^[^=\s]+=/.test(label)) throw wrong(`${where}.label`, "must be key=value");
  // Whoever can be root on the host is held back by no label.
  const scoped = label !== undefined;
  return {
    readOnly: switchAt(`${where}.read-only`, members["read-only"]) ?? false,
    noPrivileged: switchAt(`${where}.no-privileged`, members["no-privileged"]) ?? scoped,
    noHostMounts: switchAt(`${where}.no-host-mounts`, members["no-host-mounts"]) ?? scoped,
    ...(label === undefined ? {} : { label }),
  };
}

function objectAt(where: string, value: unknown, known: readonly string[]): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(where, "must be an object");
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw wrong(where, `has no ${JSON.stringify(unknown)}: it may have ${known.join(", ")}`);
  }
  return value as Members;
}

function textAt(where: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw wrong(where, "must be a text");
}

function switchAt(where: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw wrong(where, "must be true or false");
}

function wrong(where: string, what: string): Error {
  return commandFailed(`${where} ${what}`);
}
