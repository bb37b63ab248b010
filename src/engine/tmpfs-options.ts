/**
 * Options of a tmpfs in a container: those of `--tmpfs` and of a mount of type `tmpfs`, as mount(8) spells them.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { MountRequest } from "./container-types.ts";

/** What a tmpfs in a container has unless something else is said. */
export const tmpfsDefaults: readonly string[] = ["noexec", "nosuid", "nodev"];

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

const known =
  /^(rw|ro|exec|noexec|suid|nosuid|dev|nodev|sync|async|(no)?atime|(no)?diratime|(no)?relatime|(r?(private|shared|slave|unbindable))|((size|mode|uid|gid|nr_inodes|nr_blocks|mpol)=[\w:%-]+))$/;

/** Reads the options of `--tmpfs`. Throws Docker's text for one that it doesn't know. */
export function parseTmpfsFlag(text: string): string[] {
  const options = text === "" ? [] : text.split(",");
  const unknown = options.find((option) => !known.test(option));
  if (unknown !== undefined) refuse(`invalid tmpfs option "${unknown.split("=", 1)[0] ?? ""}"`);
  return options;
}

const units: readonly (readonly [string, number])[] = [
  ["g", 1 << 30],
  ["m", 1 << 20],
  ["k", 1 << 10],
];

/** The options of a mount request's tmpfs. */
export function tmpfsOptions(
  { Mode: mode = 0, SizeBytes: size = 0, Options }: NonNullable<MountRequest["TmpfsOptions"]>,
  readOnly: boolean,
): string[] {
  if (size < 0) refuse(`invalid tmpfs size: ${size}`);
  const given = (Options ?? []).map((option) => {
    if (option.length < 1 || option.length > 2) refuse("invalid option array length");
    if (option[0] !== "exec" && option[0] !== "noexec") refuse(`invalid option: ${option[0]}`);
    return option.join("=");
  });
  const [unit, bytes] = units.find(([, each]) => size % each === 0) ?? ["", 1];
  return [
    ...(readOnly ? ["ro"] : []),
    ...(mode === 0 ? [] : [`mode=${mode.toString(8)}`]),
    ...(size === 0 ? [] : [`size=${size / bytes}${unit}`]),
    ...given,
  ];
}
