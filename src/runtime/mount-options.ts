/**
 * Options of a mount in config.json (config.md, "Linux mount options") as attributes for mount_setattr(2), propagation
 * and data for the file system.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { flags, int, MOUNT_ATTR, MS, type Int } from "../kernel/mod.ts";

type AttributeName = keyof (typeof MOUNT_ATTR)["values"];
type PropagationName = "PRIVATE" | "SLAVE" | "SHARED" | "UNBINDABLE";

const sets: Readonly<Record<string, AttributeName>> = {
  ro: "RDONLY",
  nosuid: "NOSUID",
  nodev: "NODEV",
  noexec: "NOEXEC",
  noatime: "NOATIME",
  nodiratime: "NODIRATIME",
  strictatime: "STRICTATIME",
  relatime: "RELATIME",
  nosymfollow: "NOSYMFOLLOW",
};

const clears: Readonly<Record<string, AttributeName>> = {
  rw: "RDONLY",
  suid: "NOSUID",
  dev: "NODEV",
  exec: "NOEXEC",
  atime: "NOATIME",
  diratime: "NODIRATIME",
  norelatime: "RELATIME",
  nostrictatime: "STRICTATIME",
  symfollow: "NOSYMFOLLOW",
};

const propagations: Readonly<Record<string, PropagationName>> = {
  private: "PRIVATE",
  slave: "SLAVE",
  shared: "SHARED",
  unbindable: "UNBINDABLE",
};

/** Accepted and without a meaning here: defaults of the kernel, or of no effect on detached mounts. */
const ignored: ReadonlySet<string> = new Set([
  "defaults",
  "async",
  "sync",
  "dirsync",
  "lazytime",
  "nolazytime",
  "iversion",
  "noiversion",
  "loud",
  "silent",
  "remount",
  "mand",
  "nomand",
]);

export interface MountOptions {
  readonly bind: boolean;
  /** Whether a bind takes what is mounted below its source too. */
  readonly recursive: boolean;
  readonly set: Int;
  readonly clear: Int;
  /** Attributes for the mounts below too (`rro`, …). */
  readonly recursiveSet: Int;
  readonly propagation?: Int;
  readonly propagationRecursive: boolean;
  /** The ids of the source are mapped by the container's user namespace. */
  readonly idmap: boolean;
  /** `key=value` or `key` for the file system itself. */
  readonly data: readonly (readonly [string] | readonly [string, string])[];
}

/** Reads the options of the mount at `destination`. Later ones win over earlier ones, as mount(8) has it. */
export function parseMountOptions(destination: string, options: readonly string[]): MountOptions {
  const set = new Set<AttributeName>();
  const clear = new Set<AttributeName>();
  const recursiveSet = new Set<AttributeName>();
  const data: (readonly [string] | readonly [string, string])[] = [];
  let bind = false;
  let recursive = false;
  let idmap = false;
  let propagation: PropagationName | undefined;
  let propagationRecursive = false;
  for (const option of options) {
    const plain = option.startsWith("r") ? option.slice(1) : undefined;
    if (option === "bind" || option === "rbind") {
      bind = true;
      recursive = option === "rbind";
    } else if (option === "idmap" || option === "ridmap") {
      idmap = true;
    } else if (Object.hasOwn(sets, option)) {
      const name = sets[option] ?? "RELATIME";
      set.add(name);
      clear.delete(name);
    } else if (Object.hasOwn(clears, option)) {
      const name = clears[option] ?? "RELATIME";
      clear.add(name);
      set.delete(name);
    } else if (Object.hasOwn(propagations, option)) {
      propagation = propagations[option];
      propagationRecursive = false;
    } else if (plain !== undefined && Object.hasOwn(propagations, plain)) {
      propagation = propagations[plain];
      propagationRecursive = true;
    } else if (plain !== undefined && Object.hasOwn(sets, plain)) {
      recursiveSet.add(sets[plain] ?? "RELATIME");
    } else if (!ignored.has(option)) {
      const equals = option.indexOf("=");
      if (bind && equals === -1) {
        throw failure("invalid-parameter", { message: `mount ${destination}: unknown option ${option}` });
      }
      data.push(equals === -1 ? [option] : [option.slice(0, equals), option.slice(equals + 1)]);
    }
  }
  return {
    bind,
    recursive,
    idmap,
    set: flags(MOUNT_ATTR, ...set),
    clear: attributesToClear(clear, set),
    recursiveSet: flags(MOUNT_ATTR, ...recursiveSet),
    ...(propagation === undefined ? {} : { propagation: flags(MS, propagation) }),
    propagationRecursive,
    data,
  };
}

/** The access-time attributes are one field: whoever sets one must clear the field (mount_setattr(2)). */
function attributesToClear(clear: ReadonlySet<AttributeName>, set: ReadonlySet<AttributeName>): Int {
  const atime = ["NOATIME", "STRICTATIME", "RELATIME"] as const;
  const touches = atime.some((name) => set.has(name) || clear.has(name));
  const names = [...clear].filter((name) => !atime.some((other) => other === name));
  const plain = flags(MOUNT_ATTR, ...names);
  if (!touches) return plain;
  const field = MOUNT_ATTR.values._ATIME;
  return int(
    Number(plain.value) | field,
    plain.text === "0" ? "MOUNT_ATTR__ATIME" : `${plain.text}|MOUNT_ATTR__ATIME`,
  );
}
