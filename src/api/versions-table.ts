/**
 * What older versions of the API saw and meant differently, as tables: answers are made in the newest form and taken
 * back step by step, requests are brought forward. As dockerd 28.5.2 does it; `before` and `since` are NN of 1.NN.
 * @module
 */
import type { CreateBody } from "../engine/container-types.ts";
import { failure } from "../errors/mod.ts";

/** A JSON object while it is changed. */
type Item = Record<string, unknown>;

/** The answers that differ between versions; lists are changed item by item. */
export type AnswerKind =
  "container-list" | "container-inspect" | "image-list" | "image-inspect" | "info" | "disk-usage" | "event";

interface AnswerRule {
  readonly answer: AnswerKind;
  /** It applies to versions below this one. */
  readonly before: number;
  /** Changes a copy of the item's first level. */
  readonly apply: (item: Item) => void;
}

const legacyImageConfig = {
  Hostname: "",
  Domainname: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: "",
};

const emptyContainerConfig = {
  ...legacyImageConfig,
  User: "",
  Env: null,
  Cmd: null,
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

const zeroTime = "0001-01-01T00:00:00Z";

const answerRules: readonly AnswerRule[] = [
  {
    answer: "container-list",
    before: 46,
    apply: (c) => inside(c, "HostConfig", (h) => delete h["Annotations"]),
  },
  { answer: "container-list", before: 48, apply: (c) => delete c["ImageManifestDescriptor"] },
  { answer: "container-list", before: 52, apply: (c) => delete c["Health"] },
  { answer: "container-inspect", before: 48, apply: (c) => delete c["ImageManifestDescriptor"] },
  { answer: "container-inspect", before: 45, apply: addOwnNamesToAliases },
  { answer: "image-list", before: 51, apply: (i) => (i["Containers"] = -1) },
  {
    answer: "image-list",
    before: 48,
    apply: (i) => {
      delete i["Descriptor"];
      delete i["Manifests"];
    },
  },
  { answer: "image-list", before: 44, apply: (i) => (i["VirtualSize"] = i["Size"]) },
  { answer: "image-list", before: 43, apply: nameTheNameless },
  {
    answer: "image-inspect",
    before: 50,
    apply: (i) => {
      i["Config"] = { ...legacyImageConfig, ...(i["Config"] as Item | undefined) };
    },
  },
  {
    answer: "image-inspect",
    before: 48,
    apply: (i) => {
      delete i["Descriptor"];
      delete i["Manifests"];
    },
  },
  {
    answer: "image-inspect",
    before: 45,
    apply: (i) => {
      i["Container"] ??= "";
      i["ContainerConfig"] ??= emptyContainerConfig;
    },
  },
  {
    answer: "image-inspect",
    before: 44,
    apply: (i) => {
      i["VirtualSize"] = i["Size"];
      if (i["Created"] === undefined || i["Created"] === "") i["Created"] = zeroTime;
    },
  },
  {
    answer: "info",
    before: 50,
    apply: (i) => {
      i["BridgeNfIptables"] = false;
      i["BridgeNfIp6tables"] = false;
      delete i["DiscoveredDevices"];
    },
  },
  {
    answer: "info",
    before: 49,
    apply: (i) => {
      delete i["FirewallBackend"];
      for (const name of ["ContainerdCommit", "RuncCommit", "InitCommit"])
        inside(i, name, (commit) => (commit["Expected"] = commit["ID"]));
    },
  },
  {
    answer: "info",
    before: 47,
    apply: (i) =>
      inside(i, "RegistryConfig", (r) => {
        r["AllowNondistributableArtifactsCIDRs"] = null;
        r["AllowNondistributableArtifactsHostnames"] = null;
      }),
  },
  { answer: "info", before: 46, apply: (i) => delete i["Containerd"] },
  {
    answer: "info",
    before: 44,
    apply: (i) => {
      const runtimes = Object.entries((i["Runtimes"] ?? {}) as Record<string, Item>);
      i["Runtimes"] = Object.fromEntries(
        runtimes.map(([name, runtime]) => {
          const copy = { ...runtime };
          delete copy["status"];
          return [name, copy];
        }),
      );
    },
  },
  { answer: "info", before: 42, apply: (i) => (i["KernelMemory"] = i["CgroupVersion"] !== "2") },
  {
    answer: "info",
    before: 25,
    apply: (i) => {
      const options = (i["SecurityOptions"] ?? []) as string[];
      i["SecurityOptions"] = options.map((o) => /^name=([^,]*)/.exec(o)?.[1] ?? o);
    },
  },
  {
    answer: "disk-usage",
    before: 44,
    apply: (d) => {
      const images = (d["Images"] ?? []) as Item[];
      d["Images"] = images.map((image) => ({ ...image, VirtualSize: image["Size"] }));
    },
  },
  { answer: "disk-usage", before: 42, apply: (d) => (d["BuilderSize"] ??= 0) },
  { answer: "event", before: 52, apply: addLegacyEventFields },
];

const rulesOf = new Map<AnswerKind, AnswerRule[]>();
for (const rule of answerRules) rulesOf.set(rule.answer, [...(rulesOf.get(rule.answer) ?? []), rule]);

/** An answer, or the items of a list, as version 1.`version` has it. */
export function forVersion<T>(answer: AnswerKind, version: number, value: T): T {
  const rules = (rulesOf.get(answer) ?? []).filter((rule) => version < rule.before);
  if (rules.length === 0) return value;
  const change = (original: unknown): Item => {
    const item = { ...(original as Item) };
    for (const rule of rules) rule.apply(item);
    return item;
  };
  return (Array.isArray(value) ? value.map(change) : change(value)) as T;
}

function inside(item: Item, name: string, change: (inner: Item) => void): void {
  const inner = item[name];
  if (typeof inner !== "object" || inner === null) return;
  const copy = { ...(inner as Item) };
  change(copy);
  item[name] = copy;
}

/** Before 1.45 a container's short id and hostname were among its aliases on networks that users made. */
function addOwnNamesToAliases(container: Item): void {
  inside(container, "NetworkSettings", (settings) => {
    const networks = Object.entries((settings["Networks"] ?? {}) as Record<string, Item | null>);
    const own = [
      String(container["Id"]).slice(0, 12),
      (container["Config"] as Item | undefined)?.["Hostname"],
    ];
    settings["Networks"] = Object.fromEntries(
      networks.map(([name, endpoint]) => {
        if (endpoint === null || ["bridge", "host", "none", "default"].includes(name))
          return [name, endpoint];
        const aliases = (endpoint["Aliases"] ?? []) as string[];
        return [name, { ...endpoint, Aliases: [...new Set([...aliases, ...own])] }];
      }),
    );
  });
}

/** Before 1.43 an image without names had the name `<none>`, and a missing list was null. */
function nameTheNameless(image: Item): void {
  const tags = (image["RepoTags"] ?? []) as string[];
  const digests = (image["RepoDigests"] ?? []) as string[];
  const nameless = tags.length === 0 && digests.length === 0;
  image["RepoTags"] = nameless ? ["<none>:<none>"] : tags.length === 0 ? null : tags;
  image["RepoDigests"] = nameless ? ["<none>@<none>"] : digests.length === 0 ? null : digests;
}

/** Events of containers and images said before what they say now in `Action` and `Actor`. Docker puts these first. */
function addLegacyEventFields(event: Item): void {
  if (event["Type"] !== "container" && event["Type"] !== "image") return;
  const { ID: id, Attributes: attributes } = event["Actor"] as {
    ID: string;
    Attributes: Record<string, string>;
  };
  const rest = { ...event };
  for (const key of Object.keys(event)) delete event[key];
  event["status"] = rest["Action"];
  if (id !== "") event["id"] = id;
  if (rest["Type"] === "container" && attributes["image"] !== undefined) event["from"] = attributes["image"];
  Object.assign(event, rest);
}

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
  { before: 40, apply: ({ HostConfig: h }) => h !== undefined && (h["IpcMode"] ||= "shareable") },
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
