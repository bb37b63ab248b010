/**
 * Image configurations (OCI image spec, "Image Configuration", and Docker's additions to it), read with nothing taken
 * on trust. Like Go, JSON's `null` is taken for an absent field; unknown fields are kept in the blob and ignored here.
 * @module
 */
import { CaissonError, failure } from "../errors/mod.ts";
import { isDigest } from "./registry/manifest.ts";

/** How health is checked; times in nanoseconds. */
export interface HealthConfig {
  /** Empty: inherited. Else `NONE`, `CMD` with arguments, or `CMD-SHELL` with a line. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** What a container of the image starts with. */
export interface ImageRunConfig {
  readonly User?: string;
  /** Keys are `port/protocol`. */
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  /** `NAME=value`. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Seconds. */
  readonly StopTimeout?: number;
  readonly Healthcheck?: HealthConfig;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
  readonly ArgsEscaped?: boolean;
}

/** What made a layer, or changed only the configuration. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** An image's configuration. Its digest is the image's ID. */
export interface ImageConfig {
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  readonly "os.version"?: string;
  readonly config: ImageRunConfig;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly string[] };
  readonly history: readonly HistoryEntry[];
}

/** Media type of an image's configuration. */
export const ociConfigType: string = "application/vnd.oci.image.config.v1+json";

/** Parses a configuration. Throws `bad-archive`, with `what` to name it, for what isn't one. */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const bad: Bad = (reason) => failure("bad-archive", { what, reason });
  const image = new Fields(parseJson(bytes, bad), "", bad);
  const rootfs = image.object("rootfs");
  if (rootfs === undefined) throw bad("invalid image JSON, no RootFS key");
  return compact({
    created: image.text("created"),
    author: image.text("author"),
    comment: image.text("comment"),
    architecture: image.text("architecture") ?? "",
    variant: image.text("variant"),
    os: image.text("os") || "linux",
    "os.version": image.text("os.version"),
    config: runConfig(image.object("config")),
    rootfs: { type: "layers", diff_ids: diffIds(rootfs, bad) },
    history: (image.objects("history") ?? []).map(historyEntry),
  });
}

type Bad = (reason: string) => CaissonError;

function diffIds(rootfs: Fields, bad: Bad): readonly string[] {
  const ids = rootfs.texts("diff_ids") ?? [];
  const wrong = ids.find((id): boolean => !isDigest(id));
  if (wrong !== undefined) throw bad(`invalid diffID ${JSON.stringify(wrong.slice(0, 160))}`);
  return ids;
}

function runConfig(fields: Fields | undefined): ImageRunConfig {
  if (fields === undefined) return {};
  return compact({
    User: fields.text("User"),
    ExposedPorts: fields.set("ExposedPorts"),
    Env: fields.texts("Env"),
    Entrypoint: fields.texts("Entrypoint"),
    Cmd: fields.texts("Cmd"),
    Volumes: fields.set("Volumes"),
    WorkingDir: fields.text("WorkingDir"),
    Labels: fields.labels("Labels"),
    StopSignal: fields.text("StopSignal"),
    StopTimeout: fields.integer("StopTimeout"),
    Healthcheck: health(fields.object("Healthcheck")),
    OnBuild: fields.texts("OnBuild"),
    Shell: fields.texts("Shell"),
    ArgsEscaped: fields.flag("ArgsEscaped"),
  });
}

function health(fields: Fields | undefined): HealthConfig | undefined {
  if (fields === undefined) return undefined;
  return compact({
    Test: fields.texts("Test"),
    Interval: fields.integer("Interval"),
    Timeout: fields.integer("Timeout"),
    StartPeriod: fields.integer("StartPeriod"),
    StartInterval: fields.integer("StartInterval"),
    Retries: fields.integer("Retries"),
  });
}

function historyEntry(fields: Fields): HistoryEntry {
  return compact({
    created: fields.text("created"),
    created_by: fields.text("created_by"),
    author: fields.text("author"),
    comment: fields.text("comment"),
    empty_layer: fields.flag("empty_layer"),
  });
}

/** Reads JSON text. Throws what `bad` makes of it if it isn't. */
export function parseJson(bytes: Uint8Array, bad: Bad): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const { message } = bad("it is not JSON");
    throw new CaissonError("bad-archive", message, error);
  }
}

/** The fields of a JSON object, each of the type that it must have. */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #bad: Bad;

  /** `path` is where the value was found, with a dot at its end, for errors. */
  constructor(value: unknown, path: string, bad: Bad) {
    if (!isObject(value)) throw bad(`${path === "" ? "it" : path.slice(0, -1)} is not a JSON object`);
    this.#object = value;
    this.#path = path;
    this.#bad = bad;
  }

  /** Whether there is a field of the name, even `null`. */
  has(name: string): boolean {
    return Object.hasOwn(this.#object, name);
  }

  text(name: string): string | undefined {
    return this.#typed(name, "a string", (value) => typeof value === "string");
  }

  flag(name: string): boolean | undefined {
    return this.#typed(name, "true or false", (value) => typeof value === "boolean");
  }

  integer(name: string): number | undefined {
    return this.#typed(name, "an integer", (value): value is number => Number.isSafeInteger(value));
  }

  texts(name: string): readonly string[] | undefined {
    const isTexts = (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((item) => typeof item === "string");
    return this.#typed(name, "a list of strings", isTexts);
  }

  /** An object whose keys count; Go writes `{}` for each. */
  set(name: string): Readonly<Record<string, object>> | undefined {
    const keys = Object.keys(this.#typed(name, "an object", isObject) ?? {});
    return this.#value(name) === undefined ? undefined : Object.fromEntries(keys.map((key) => [key, {}]));
  }

  labels(name: string): Readonly<Record<string, string>> | undefined {
    const isLabels = (value: unknown): value is Record<string, string> =>
      isObject(value) && Object.values(value).every((item) => typeof item === "string");
    return this.#typed(name, "an object of strings", isLabels);
  }

  object(name: string): Fields | undefined {
    const value = this.#value(name);
    return value === undefined ? undefined : new Fields(value, `${this.#path}${name}.`, this.#bad);
  }

  objects(name: string): readonly Fields[] | undefined {
    const list = this.#typed(name, "a list", (value): value is unknown[] => Array.isArray(value));
    return list?.map((item, index) => new Fields(item, `${this.#path}${name}[${index}].`, this.#bad));
  }

  #value(name: string): unknown {
    return (Object.hasOwn(this.#object, name) ? this.#object[name] : undefined) ?? undefined;
  }

  #typed<T>(name: string, type: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.#value(name);
    if (value === undefined || is(value)) return value;
    throw this.#bad(`${this.#path}${name} is not ${type}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object without its undefined fields. */
function compact<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter((pair) => pair[1] !== undefined)) as T;
}
