/**
 * Mounts in flags: `--mount`, `-v`, `--tmpfs`.
 * @module
 */
import type { Mount } from "@docker/node-sdk";
import { failure } from "../../errors/mod.ts";
import { path } from "../builtins.ts";
import { csvFields } from "../csv.ts";
import { parseBytes } from "../flag-values.ts";
import { cut } from "../key-values.ts";

/** A mount while its fields are being read. */
type Draft = Omit<Mount, "Type"> & { Type: string };

const flagKeys: ReadonlySet<string> = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive"]);

/** Reads `type=bind,src=…,dst=…`. @throws usage with docker's text */
export function parseMount(text: string): Mount {
  const value = text.trim();
  if (value === "") throw wrong("value is empty");
  const mount: Draft = { Type: "volume" };
  for (const field of csvFields(value)) {
    const [key, val] = cut(field, "=");
    const hasValue = field.includes("=");
    if (key.trim() !== key) {
      throw wrong(`invalid option '${key.trim()}' in '${field}': option should not have whitespace`);
    }
    if (hasValue && val.trim() === "") throw wrong(`invalid value for '${key}': value is empty`);
    if (val.trim() !== val) {
      throw wrong(`invalid value for '${key}' in '${field}': value should not have whitespace`);
    }
    const name = key.toLowerCase();
    if (!hasValue && !flagKeys.has(name)) throw wrong(`invalid field '${field}' must be a key=value pair`);
    setField(mount, name, hasValue ? val : "true", field);
  }
  checkMount(mount);
  // The engine says which types there are.
  return mount as Mount;
}

const mountSetters: Readonly<Record<string, (mount: Draft, value: string, key: string) => void>> = {
  type: (m, v) => {
    m.Type = v.toLowerCase();
  },
  source: (m, v) => {
    m.Source = v.startsWith(".") ? path().resolve(v) : v;
  },
  target: (m, v) => {
    m.Target = v;
  },
  readonly: (m, v, key) => {
    m.ReadOnly = boolean(key, v);
  },
  consistency: (m, v) => {
    m.Consistency = v.toLowerCase();
  },
  "bind-propagation": (m, v) => {
    m.BindOptions = {
      ...m.BindOptions,
      Propagation: v.toLowerCase() as NonNullable<Mount["BindOptions"]>["Propagation"],
    };
  },
  "bind-nonrecursive": (m, v, key) => {
    m.BindOptions = { ...m.BindOptions, NonRecursive: boolean(key, v) };
  },
  "bind-recursive": (m, v, key) => {
    const options = {
      disabled: "NonRecursive",
      writable: "ReadOnlyNonRecursive",
      readonly: "ReadOnlyForceRecursive",
    };
    if (v === "enabled") return;
    if (!(v in options)) {
      throw wrong(
        `invalid value for ${key}: ${v} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
    }
    m.BindOptions = { ...m.BindOptions, [options[v as keyof typeof options]]: true };
  },
  "volume-subpath": (m, v) => {
    m.VolumeOptions = { ...m.VolumeOptions, Subpath: v };
  },
  "volume-nocopy": (m, v, key) => {
    m.VolumeOptions = { ...m.VolumeOptions, NoCopy: boolean(key, v) };
  },
  "volume-label": (m, v) => {
    const [name, value] = cut(v, "=");
    m.VolumeOptions = { ...m.VolumeOptions, Labels: { ...m.VolumeOptions?.Labels, [name]: value } };
  },
  "volume-driver": (m, v) => {
    m.VolumeOptions = { ...m.VolumeOptions, DriverConfig: { ...m.VolumeOptions?.DriverConfig, Name: v } };
  },
  "volume-opt": (m, v) => {
    const [name, value] = cut(v, "=");
    const driver = m.VolumeOptions?.DriverConfig;
    m.VolumeOptions = {
      ...m.VolumeOptions,
      DriverConfig: { ...driver, Options: { ...driver?.Options, [name]: value } },
    };
  },
  "image-subpath": (m, v) => {
    m.ImageOptions = { ...m.ImageOptions, Subpath: v };
  },
  "tmpfs-size": (m, v, key) => {
    try {
      m.TmpfsOptions = { ...m.TmpfsOptions, SizeBytes: parseBytes(v) };
    } catch (error) {
      throw wrong(`invalid value for ${key}: ${v}`, error);
    }
  },
  "tmpfs-mode": (m, v, key) => {
    if (!/^[0-7]+$/.test(v)) throw wrong(`invalid value for ${key}: ${v}`);
    m.TmpfsOptions = { ...m.TmpfsOptions, Mode: Number.parseInt(v, 8) };
  },
};

const synonyms: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
};

function setField(mount: Draft, key: string, value: string, field: string): void {
  const setter = mountSetters[synonyms[key] ?? key];
  if (setter === undefined) throw wrong(`unexpected key '${key}' in '${field}'`);
  setter(mount, value, key);
}

function boolean(key: string, value: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw wrong(
    `invalid value for '${key}': invalid boolean value (${JSON.stringify(value)}): must be one of "true", "1", "false", or "0" (default "true")`,
  );
}

function checkMount(mount: Draft): void {
  if (mount.Target === undefined) throw wrong("target is required");
  const kinds = {
    BindOptions: "bind",
    VolumeOptions: "volume",
    ImageOptions: "image",
    TmpfsOptions: "tmpfs",
  };
  for (const [options, kind] of Object.entries(kinds)) {
    if (options in mount && mount.Type !== kind) {
      throw wrong(`cannot mix '${kind}-*' options with mount type '${mount.Type}'`);
    }
  }
  const bind = mount.BindOptions;
  if (bind?.ReadOnlyNonRecursive === true && mount.ReadOnly !== true) {
    throw wrong("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
  }
  if (bind?.ReadOnlyForceRecursive === true) {
    if (mount.ReadOnly !== true) {
      throw wrong("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
    }
    if (bind.Propagation !== "rprivate") {
      throw wrong(
        "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
      );
    }
  }
}

/** `-v` flags apart: binds for the engine, and anonymous volumes. */
export interface VolumeFlags {
  readonly binds: readonly string[];
  readonly volumes: Readonly<Record<string, object>>;
}

/** Reads `-v` flags: `target`, `source:target[:options]`; a relative source is made absolute. @throws usage */
export function parseVolumes(specs: readonly string[]): VolumeFlags {
  const binds: string[] = [];
  const volumes: Record<string, object> = {};
  for (const spec of new Set(specs)) {
    const source = sourceOf(spec);
    if (source === undefined) volumes[spec] = {};
    else if (source.startsWith(".")) {
      binds.push(`${path().resolve(source)}${spec.slice(source.length)}`);
    } else binds.push(spec);
  }
  return { binds, volumes };
}

function sourceOf(spec: string): string | undefined {
  if (spec === "") throw wrong("invalid empty volume spec");
  if (spec.length <= 2) return undefined;
  const parts = spec.split(":");
  if (parts.includes("")) throw wrong(`invalid spec: ${spec}: empty section between colons`);
  if (parts.length > 3) throw wrong(`invalid spec: ${spec}: too many colons`);
  return parts.length === 1 ? undefined : parts[0];
}

function wrong(message: string, cause?: unknown): Error {
  return failure("usage", { message }, cause);
}
