/**
 * One setting of the daemon: a flag of its command line, a key of daemon.json, or both.
 * @module
 */
import type { FlagSpec, FlagType } from "./flags.ts";

/** How a key's value looks in daemon.json. */
export type JsonForm =
  | "bool"
  | "int"
  | "string"
  /** `["a", "b"]` */
  | "strings"
  /** `{"key": "value"}` */
  | "map"
  /** `{"name": true}` */
  | "switches"
  /** `{"nofile": {"Name": "nofile", "Soft": 1, "Hard": 2}}` */
  | "ulimits"
  /** `[{"base": "10.0.0.0/8", "size": 24}]` */
  | "pools"
  /** `{"driver": {"option": "value"}}` */
  | "options-by-driver"
  /** Anything but null, kept as JSON. */
  | "any";

/** What is known of a setting beside how its flag is spelled. */
export interface DaemonSetting extends FlagSpec {
  /** Its key in daemon.json; undefined: the flag's name. */
  readonly key?: string;
  /** How the key's value looks; undefined: as its flag's type suggests. */
  readonly json?: JsonForm;
  /** It is there only as a flag, or only as a key. */
  readonly only?: "flag" | "key";
  /** What `take` checks of a flag is checked of the file with everything else, not while it is read. */
  readonly checkedLate?: boolean;
  /** SIGHUP makes a changed value count. */
  readonly reloads?: boolean;
}

/** A setting of dockerd's that is refused unless its value asks for nothing. */
export interface RefusedSetting extends DaemonSetting {
  /** `missing`: this version lacks it; `foreign`: there is nothing in this engine that it could set. */
  readonly verdict: "missing" | "foreign";
  /** Which part that is, or why there is none; follows a colon. */
  readonly reason: string;
  /** Values that ask for what is the case anyway, beside false and nothing. */
  readonly harmless?: readonly string[];
}

/** The key of a setting in daemon.json. */
export function keyOf(setting: DaemonSetting): string {
  return setting.key ?? setting.name;
}

const formOfType: Partial<Record<FlagType, JsonForm>> = {
  bool: "bool",
  int: "int",
  list: "strings",
  map: "map",
  ulimit: "ulimits",
};

/** How a setting's value looks in daemon.json. */
export function jsonFormOf(setting: DaemonSetting): JsonForm {
  return setting.json ?? formOfType[setting.type] ?? "string";
}
