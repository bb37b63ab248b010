/**
 * What older versions of the API asked for differently when they made a container, as a table, as dockerd 28.5.2 has it.
 * @module
 */
import type { CreateBody, UpdateBody } from "../engine/mod.ts";
import { failure } from "../errors/mod.ts";
import { inside, type Item } from "./versions-table.ts";

type Mount = Item & { Type?: string };

/** A container's body while it is changed. */
interface MutableBody {
  HostConfig?: Item & { Mounts?: Mount[] };
  NetworkingConfig?: { EndpointsConfig?: Record<string, Item | null> };
  Healthcheck?: Item;
}

interface CreateRule {
  /** It applies to versions below this one… */
  readonly before?: number;
  /** …or to this one and those above. */
  readonly since?: number;
  readonly apply: (body: MutableBody) => void;
}

const createRules: readonly CreateRule[] = [
  // Older clients expect shareable IPC.
  { before: 40, apply: (body) => ((body.HostConfig ??= {})["IpcMode"] ||= "shareable") },
  { before: 40, apply: (body) => mounts(body, (m) => forget(m, "BindOptions", "NonRecursive")) },
  { before: 42, apply: (body) => mounts(body, (m) => forget(m, "BindOptions", "CreateMountpoint")) },
  // Options of another type of mount were not looked at.
  {
    before: 42,
    apply: (body) =>
      mounts(body, (m) => {
        if (m["Type"] !== "volume") delete m["VolumeOptions"];
        if (m["Type"] !== "tmpfs") delete m["TmpfsOptions"];
        if (m["Type"] !== "bind") delete m["BindOptions"];
      }),
  },
  { before: 42, apply: ({ HostConfig: h }) => delete h?.["ConsoleSize"] },
  { before: 43, apply: ({ HostConfig: h }) => delete h?.["Annotations"] },
  { before: 44, apply: ({ Healthcheck: h }) => delete h?.["StartInterval"] },
  { before: 44, apply: refuseForcedRecursion },
  { before: 44, apply: refuseSeveralNetworks },
  // A read-only mount was read-only at its top alone.
  {
    before: 44,
    apply: (body) =>
      mounts(body, (m) => {
        if (m["Type"] === "bind" && m["ReadOnly"] === true)
          m["BindOptions"] = { ...(m["BindOptions"] as Item | undefined), ReadOnlyNonRecursive: true };
      }),
  },
  { before: 45, apply: (body) => refuse(body, "VolumeOptions", "Subpath", "1.45") },
  { before: 46, apply: (body) => refuse(body, "TmpfsOptions", "Options", "1.46") },
  {
    before: 48,
    apply: (body) =>
      mounts(body, (m) => {
        if (m["Type"] === "image") throw needs('Mount type "Image"', "1.48");
      }),
  },
  {
    before: 48,
    apply: (body) => {
      for (const endpoint of Object.values(body.NetworkingConfig?.EndpointsConfig ?? {}))
        delete endpoint?.["GwPriority"];
    },
  },
  { since: 42, apply: refuseForeignOptions },
  // 0 and below mean no limit in every version.
  {
    since: 0,
    apply: ({ HostConfig: h }) => {
      if (h !== undefined && Number(h["PidsLimit"] ?? 1) <= 0) delete h["PidsLimit"];
    },
  },
];

/**
 * The body of `POST /containers/create` as the newest version means it; it is changed in place. Throws 400 for what
 * that version of the API didn't have.
 */
export function createFromVersion(version: number, body: CreateBody): CreateBody {
  const mutable = body as unknown as MutableBody;
  for (const { before, since, apply } of createRules)
    if (before === undefined ? version >= (since ?? 0) : version < before) apply(mutable);
  return body;
}

/** The body of `POST /containers/NAME/update`: before 1.40 it had no limit of processes. It is changed in place. */
export function updateFromVersion(version: number, body: UpdateBody): UpdateBody {
  if (version < 40) delete (body as { PidsLimit?: unknown }).PidsLimit;
  return body;
}

function mounts(body: MutableBody, change: (mount: Mount) => void): void {
  for (const mount of body.HostConfig?.Mounts ?? []) change(mount);
}

function forget(mount: Item, options: string, field: string): void {
  inside(mount, options, (o) => delete o[field]);
}

function needs(what: string, version: string): Error {
  return failure("invalid-parameter", { message: `${what} needs API v${version} or newer` });
}

function refuse(body: MutableBody, options: string, field: string, version: string): void {
  mounts(body, (mount) => {
    const value = (mount[options] as Item | undefined)?.[field];
    if (value !== undefined && value !== "") throw needs(`${options}.${field}`, version);
  });
}

function refuseForcedRecursion(body: MutableBody): void {
  mounts(body, (mount) => {
    if ((mount["BindOptions"] as Item | undefined)?.["ReadOnlyForceRecursive"] === true)
      throw needs("BindOptions.ReadOnlyForceRecursive", "1.44");
  });
}

function refuseSeveralNetworks(body: MutableBody): void {
  const names = Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {});
  if (names.length > 1)
    throw failure("invalid-parameter", {
      message: `Container cannot be created with multiple network endpoints: ${names.join(", ")}`,
    });
}

function refuseForeignOptions(body: MutableBody): void {
  const owners = { VolumeOptions: "volume", BindOptions: "bind", TmpfsOptions: "tmpfs" };
  mounts(body, (mount) => {
    for (const [options, type] of Object.entries(owners))
      if (mount[options] !== undefined && mount["Type"] !== type)
        throw failure("invalid-parameter", {
          message: `${options} must not be specified on mount type "${mount.Type ?? ""}"`,
        });
  });
}
