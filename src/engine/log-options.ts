/**
 * Options of a container's log (`--log-opt`): checked when it is made, read when it starts and when its log is read.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { HostConfig } from "./container-types.ts";
import type { ContainerRecord } from "./container.ts";

type LogConfig = HostConfig["LogConfig"];

/** Options of every driver, and those of `json-file`. */
const common: ReadonlySet<string> = new Set(["mode", "max-buffer-size"]);
const jsonFile: ReadonlySet<string> = new Set([
  "max-file",
  "max-size",
  "compress",
  "labels",
  "labels-regex",
  "env",
  "env-regex",
  "tag",
]);
/** Drivers that Docker has and this version hasn't. */
const others: ReadonlySet<string> = new Set(
  "awslogs etwlogs fluentd gcplogs gelf journald local splunk syslog".split(" "),
);

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/** Throws for what can't be, in Docker's words where it has some. @returns warnings about what is not done */
export function checkLogOptions({ Type: driver, Config: options }: LogConfig): string[] {
  if (others.has(driver)) throw failure("not-implemented", { what: `the log driver ${driver}` });
  if (driver !== "json-file" && driver !== "none")
    refuse(`error looking up logging plugin ${driver}: plugin "${driver}" not found`);
  const warnings: string[] = [];
  const { mode = "", compress = "" } = options;
  if (!["", "blocking", "non-blocking"].includes(mode)) refuse(`logger: logging mode not supported: ${mode}`);
  if (options["max-buffer-size"] !== undefined && mode !== "non-blocking")
    refuse("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (mode === "non-blocking")
    warnings.push(
      "The log mode non-blocking is not supported by this version of caisson: output waits for the log.",
    );
  if (driver === "none") return warnings;
  for (const name of Object.keys(options))
    if (!common.has(name) && !jsonFile.has(name))
      refuse(`unknown log opt '${name}' for json-file log driver`);
  const { limit, files } = rotation(options);
  if (!["", "true", "false", "1", "0"].includes(compress))
    refuse(
      `failed to initialize logging driver: strconv.ParseBool: parsing ${JSON.stringify(compress)}: invalid syntax`,
    );
  if (compress === "true" || compress === "1") {
    if (limit === 0 || files < 2)
      refuse(
        "failed to initialize logging driver: compress cannot be true when max-file is less than 2 or max-size is not set",
      );
    warnings.push("This version of caisson does not compress rotated logs.");
  }
  for (const name of ["labels-regex", "env-regex"]) matcher(options[name] ?? "");
  tagText(options["tag"] ?? "", { id: "", name: "", image: "", imageId: "" });
  return warnings;
}

/** When the log is rotated: at `limit` bytes (0: never), with so many files. */
export function rotation(options: LogConfig["Config"]): { readonly limit: number; readonly files: number } {
  const size = options["max-size"] ?? "";
  const count = options["max-file"] ?? "";
  const limit = size === "" ? 0 : parseSize(size);
  if (count !== "" && !/^[+-]?\d+$/.test(count))
    refuse(
      `failed to initialize logging driver: strconv.Atoi: parsing ${JSON.stringify(count)}: invalid syntax`,
    );
  const files = count === "" ? 1 : Number(count);
  if (files < 1) refuse("failed to initialize logging driver: max-file cannot be less than 1");
  return { limit, files };
}

/** Reads Docker's sizes: `10m`, `1.5g`. */
function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?$/i.exec(text.trim());
  if (match === null) refuse(`failed to initialize logging driver: invalid size: '${text}'`);
  const power = ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}

/** What a tag's template can name. */
interface TagFacts {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
}

function tagText(template: string, { id, name, image, imageId }: TagFacts): string {
  const fields: Readonly<Record<string, string>> = {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageName: image,
    ImageID: imageId.replace(/^sha256:/, "").slice(0, 12),
    ImageFullID: imageId,
    DaemonName: "docker",
  };
  const text = template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, field: string) => fields[field] ?? whole);
  if (text.includes("{{"))
    throw failure("not-implemented", { what: `the log tag ${JSON.stringify(template)}` });
  return text;
}

/** Matches names by a `-regex` option; an empty one matches none. */
function matcher(pattern: string): (name: string) => boolean {
  if (pattern === "") return () => false;
  try {
    const expression = new RegExp(pattern);
    return (name) => expression.test(name);
  } catch (error) {
    throw failure("invalid-parameter", { message: `error parsing regexp: ${pattern}` }, error);
  }
}

/** What `logs --details` shows of every line: the labels and variables that were asked for, and the tag. */
export function logAttributes(record: ContainerRecord, name: string): Readonly<Record<string, string>> {
  const { config, hostConfig } = record;
  const options = hostConfig.LogConfig.Config;
  const variables = (config.Env ?? []).flatMap((entry) => {
    const at = entry.indexOf("=");
    return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
  });
  const chosen = (kind: "labels" | "env", all: readonly (readonly [string, string])[]) => {
    const names = new Set((options[kind] ?? "").split(",").filter((one) => one !== ""));
    const matches = matcher(options[`${kind}-regex`] ?? "");
    return all.filter(([key]) => names.has(key) || matches(key));
  };
  const { id, imageId } = record;
  const tag = tagText(options["tag"] ?? "", { id, name, image: config.Image, imageId });
  return Object.fromEntries([
    ...chosen("labels", Object.entries(config.Labels ?? {})),
    ...chosen("env", variables),
    ...(tag === "" ? [] : [["tag", tag] as const]),
  ]);
}
