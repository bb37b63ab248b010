/**
 * What log drivers know of a container: its tag, its attributes, what a tag's template can name.
 * @module
 */
import { hostname } from "node:os";
import { messageOf } from "../../errors/mod.ts";
import { Row, Template } from "../../template/mod.ts";
import type { ContainerRecord } from "../container.ts";
import { parseTime } from "../time.ts";
import { parsePattern, wrongOption } from "./values.ts";

/** A container as log drivers see it. */
export interface LogInfo {
  readonly record: ContainerRecord;
  /** Without the slash. */
  readonly name: string;
}

type Options = Readonly<Record<string, string>>;

/** Its command line. */
export function commandOf({ record }: LogInfo): string {
  return [record.path, ...record.args].join(" ");
}

/** Go's way to print a time in UTC. */
function goTime(text: string): string {
  const [whole = "", fraction] = text.slice(0, -1).split(".");
  const digits = fraction === undefined || parseTime(text) === 0n ? "" : `.${fraction}`;
  return `${whole.replace("T", " ")}${digits} +0000 UTC`;
}

/** dockerd's `logger.Info`. */
function templateRow(info: LogInfo, options: Options): Row {
  const { record, name } = info;
  const { id, config, imageId } = record;
  return new Row(
    "*logger.Info",
    {
      Config: () => options,
      ContainerID: () => id,
      ContainerName: () => `/${name}`,
      ContainerEntrypoint: () => record.path,
      ContainerArgs: () => record.args,
      ContainerImageID: () => imageId,
      ContainerImageName: () => config.Image,
      ContainerCreated: () => goTime(record.created),
      ContainerEnv: () => config.Env ?? [],
      ContainerLabels: () => config.Labels ?? {},
      LogPath: () => "",
      DaemonName: () => "docker",
    },
    {
      Hostname: () => hostname(),
      Command: () => commandOf(info),
      ID: () => id.slice(0, 12),
      FullID: () => id,
      Name: () => name,
      ImageID: () => imageId.slice(0, 12),
      ImageFullID: () => imageId,
      ImageName: () => config.Image,
      ExtraAttributes: () => chosenAttributes(info, options),
    },
  );
}

/** The option `tag`, worked out; `byDefault` is the template when there is none. @throws invalid-parameter */
export function tagOf(info: LogInfo, options: Options, byDefault: string): string {
  try {
    return new Template(options["tag"] || byDefault).execute(templateRow(info, options));
  } catch (error) {
    const text = messageOf(error);
    throw wrongOption(
      text.replace(/^template: :/, "template: log-tag:").replace('executing ""', 'executing "log-tag"'),
    );
  }
}

/** The labels and variables that the options name. @throws invalid-parameter if a pattern is none */
export function chosenAttributes(
  { record: { config } }: LogInfo,
  options: Options,
): Readonly<Record<string, string>> {
  const variables = (config.Env ?? []).flatMap((entry) => {
    const at = entry.indexOf("=");
    return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
  });
  const chosen = (
    kind: "labels" | "env",
    all: readonly (readonly [string, string])[],
  ): readonly (readonly [string, string])[] => {
    const names = new Set((options[kind] ?? "").split(",").filter((one) => one !== ""));
    const matches = parsePattern(options[`${kind}-regex`] ?? "");
    return all.filter(([key]) => names.has(key) || matches(key));
  };
  return Object.fromEntries([
    ...chosen("labels", Object.entries(config.Labels ?? {})),
    ...chosen("env", variables),
  ]);
}

/** What stands in the records of the driver json-file: what was chosen, and the tag if one was asked for. */
export function recordAttributes(info: LogInfo, options: Options): Readonly<Record<string, string>> {
  const tag = tagOf(info, options, "");
  return { ...chosenAttributes(info, options), ...(tag === "" ? {} : { tag }) };
}

/** The part of a record with its attributes, as Go marshals them; empty without any. */
export function attributesText(attributes: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length === 0) return "";
  const json = JSON.stringify(Object.fromEntries(pairs)).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `,"attrs":${json}`;
}
