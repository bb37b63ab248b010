/**
 * Volumes as the database keeps them and as Docker's JSON.
 * @module
 */
import type { Json } from "./engine.ts";

/** The driver of those that are folders below the data root, or what their options name. */
export const LOCAL = "local";

/** What the database keeps of a volume, beside its name. */
export interface VolumeRow {
  readonly created: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
  /** A plugin; undefined: `local`. */
  readonly driver?: string;
  /** It is gone for everybody; its folder, or the plugin's volume, may not be yet. */
  readonly removed?: true;
}

/** A volume of the driver `local` as Docker's JSON; `path` is where its folder lies. */
export function localJson(name: string, { created, labels, options }: VolumeRow, path: string): Json {
  return {
    CreatedAt: created,
    Driver: LOCAL,
    Labels: inOrder(labels),
    Mountpoint: path,
    Name: name,
    Options: inOrder(options),
    Scope: "local",
  };
}

/** A plugin's volume as Docker's JSON. What nobody knows is left out. */
export function pluginJson(
  driver: string,
  name: string,
  scope: string,
  row: VolumeRow | undefined,
  told: {
    readonly mountpoint: string;
    readonly createdAt?: string | undefined;
    readonly status?: Readonly<Record<string, unknown>>;
  },
): Json {
  return {
    ...(told.createdAt === undefined ? {} : { CreatedAt: told.createdAt }),
    Driver: driver,
    Labels: inOrder(row?.labels ?? null),
    Mountpoint: told.mountpoint,
    Name: name,
    Options: inOrder(row?.options ?? null),
    Scope: scope,
    ...(told.status === undefined ? {} : { Status: told.status }),
  };
}

/** As Go writes maps. */
function inOrder(map: Readonly<Record<string, string>> | null): Readonly<Record<string, string>> | null {
  return map && Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
