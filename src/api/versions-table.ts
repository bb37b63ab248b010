/**
 * What older versions of the API saw differently, as a table: answers are made in the newest form and taken back step
 * by step, as dockerd 28.5.2 does it. What they asked differently is create-versions.ts.
 * @module
 */
import { NEVER } from "../engine/mod.ts";

/** A JSON object while it is changed. */
export type Item = Record<string, unknown>;

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
      i["ContainerConfig"] ??= emptyContainerConfig;
    },
  },
  {
    answer: "image-inspect",
    before: 44,
    apply: (i) => {
      i["VirtualSize"] = i["Size"];
      if (i["Created"] === undefined || i["Created"] === "") i["Created"] = NEVER;
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

/** Changes a copy of an object inside an item, if there is one. */
export function inside(item: Item, name: string, change: (inner: Item) => void): void {
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
