/**
 * `caisson inspect` and `caisson container|image|network|volume inspect`
 * @module
 */
import { ServerError, type Client } from "../client/mod.ts";
import { failure, messageOf } from "../errors/mod.ts";
import type { Command, Context } from "./command.ts";
import { commandFailed, textOfError } from "./failure-text.ts";
import type { Flags, FlagSpec } from "./flags.ts";
import { compactJson, indentJson } from "./json-indent.ts";
import { Template, type Nothing } from "../template/mod.ts";

/** The --format flag of an inspection. */
export const formatFlag: FlagSpec = {
  name: "format",
  short: "f",
  type: "string",
  usage: `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`,
};

/** Fields that docker's types have even when the engine leaves them out. */
const optional: ReadonlySet<string> = new Set(
  "Annotations ArgsEscaped ExposedPorts Health Healthcheck ImageManifestDescriptor Init MacAddress NetworkDisabled OnBuild Options Shell SizeRootFs SizeRw StopTimeout StopSignal StorageOpt Sysctls Tmpfs UsageData Volumes".split(
    " ",
  ),
);

/** Fields whose values are maps in docker's types: what a map doesn't have is no mistake. */
const maps: ReadonlySet<string> = new Set(
  "Annotations Config Containers Data DriverOpts ExposedPorts Labels Networks Options PortBindings Ports StorageOpt Sysctls Tmpfs Volumes".split(
    " ",
  ),
);

/** Fields whose null is of a pointer's type in docker's types; any other null that is no map is a list. */
const pointers: ReadonlySet<string> = new Set(
  "ExitCode Health Healthcheck ImageManifestDescriptor Init IPAMConfig MemorySwappiness OomKillDisable PidsLimit SizeRootFs SizeRw StopTimeout UsageData".split(
    " ",
  ),
);

/** What is missing or null, by docker's types. `Config` is a map inside LogConfig alone. */
function nothing(field: string): Nothing {
  if (pointers.has(field)) return "nil";
  if (maps.has(field)) return "map";
  if (field === "MacAddress" || field === "StopSignal") return "text";
  return field === "ArgsEscaped" || field === "NetworkDisabled" ? "false" : "list";
}

/** Like docker, first by what its types have, then by what the engine really answered. */
function evaluate(template: Template, value: unknown): string {
  try {
    return template.execute(value, {
      missing: (field, parent) => {
        // `Config` is a map inside LogConfig and a type with known fields at the top.
        const map =
          parent !== undefined && maps.has(parent) && (parent !== "Config" || !/^[A-Z]/.test(field));
        return map ? "none" : optional.has(field) ? nothing(field) : "error";
      },
      nulls: nothing,
    });
  } catch {
    return template.execute(value, { missing: () => "error", nulls: nothing });
  }
}

/** The JSON of an object as the engine wrote it. */
type Find = (client: Client, name: string) => Promise<string>;

const name = (text: string): string => encodeURIComponent(text);
const containerText =
  (size: boolean): Find =>
  (client, id) =>
    client.text(`/containers/${name(id)}/json`, { size });
const imageText =
  (platform?: string): Find =>
  (client, id) =>
    client.text(`/images/${id.split("/").map(name).join("/")}/json`, { platform });
const networkText =
  (verbose: boolean): Find =>
  (client, id) =>
    client.text(`/networks/${name(id)}`, { verbose });
const volumeText: Find = (client, id) => client.text(`/volumes/${name(id)}`);

/** Prints what is found for each name: a JSON list, or a line of the template for each. Errors come last. */
async function show(context: Context, flags: Flags, names: readonly string[], find: Find): Promise<number> {
  const client = await context.client();
  const print = printer(flags.string("format") ?? "");
  const found: string[] = [];
  const errors: string[] = [];
  for (const one of names) {
    try {
      found.push(await find(client, one));
    } catch (error) {
      errors.push(textOfError(error));
      if (!(error instanceof ServerError) && !isMissing(error)) break;
    }
  }
  const { text, problem } = print(found);
  context.stdout.text(text);
  if (problem !== undefined) errors.push(problem);
  if (errors.length > 0) throw commandFailed(errors.join("\n"));
  return 0;
}

const isMissing = (error: unknown): boolean => messageOf(error).startsWith("Error: No such object");

/** What is printed, and what is wrong with a template. */
export interface Printed {
  readonly text: string;
  readonly problem?: string;
}

/** Prints objects, each the JSON of one, as a format asks for it. @throws bad-template */
export function printer(format: string): (found: readonly string[]) => Printed {
  if (format === "") {
    return (found) => ({
      text: found.length === 0 ? "[]\n" : `${indentJson(`[${found.join(",")}]`, "    ")}\n`,
    });
  }
  if (format === "json") return (found) => ({ text: `[${found.map(compactJson).join(",")}]\n` });
  let template: Template;
  try {
    template = new Template(format.replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
  } catch (error) {
    throw failure("bad-template", { message: `template parsing error: ${messageOf(error)}` }, error);
  }
  return (found) => {
    let text = "";
    for (const json of found) {
      try {
        text += `${evaluate(template, JSON.parse(json))}\n`;
      } catch (error) {
        return { text: text === "" ? "\n" : text, problem: `template parsing error: ${messageOf(error)}` };
      }
    }
    return { text: text === "" ? "\n" : text };
  };
}

/** `caisson container inspect` */
export const inspectContainers: Command = {
  use: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: [formatFlag, { name: "size", short: "s", type: "bool", usage: "Display total file sizes" }],
  args: { min: 1 },
  run: (context, flags, names) => show(context, flags, names, containerText(flags.bool("size"))),
};

/** `caisson image inspect` */
export const inspectImages: Command = {
  use: "[OPTIONS] IMAGE [IMAGE...]",
  flags: [
    formatFlag,
    {
      name: "platform",
      type: "string",
      usage: `Inspect a specific platform of the multi-platform image.
If the image or the server is not multi-platform capable, the command will error out if the platform does not match.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    },
  ],
  args: { min: 1 },
  run: (context, flags, names) => {
    const [os, architecture, variant] = flags.string("platform")?.split("/") ?? [];
    const platform = os === undefined ? undefined : JSON.stringify({ architecture, os, variant });
    return show(context, flags, names, imageText(platform));
  },
};

/** `caisson network inspect` */
export const inspectNetworks: Command = {
  use: "[OPTIONS] NETWORK [NETWORK...]",
  flags: [formatFlag, { name: "verbose", short: "v", type: "bool", usage: "Verbose output for diagnostics" }],
  args: { min: 1 },
  run: (context, flags, names) => show(context, flags, names, networkText(flags.bool("verbose"))),
};

/** `caisson volume inspect` */
export const inspectVolumes: Command = {
  use: "[OPTIONS] VOLUME [VOLUME...]",
  flags: [formatFlag],
  args: { min: 1 },
  run: (context, flags, names) => show(context, flags, names, volumeText),
};

const kinds = ["container", "image", "network", "volume"] as const;
const dockersKinds = ["config", ...kinds, "node", "plugin", "secret", "service", "task"].toSorted();

/** `caisson inspect` */
export const inspectAny: Command = {
  use: "[OPTIONS] NAME|ID [NAME|ID...]",
  flags: [
    formatFlag,
    {
      name: "size",
      short: "s",
      type: "bool",
      usage: "Display total file sizes if the type is container",
    },
    { name: "type", type: "string", usage: "Only inspect objects of the given type" },
  ],
  args: { min: 1 },
  run: (context, flags, names) => {
    const type = flags.string("type") ?? "";
    if (flags.has("type") && type === "")
      throw commandFailed(
        'type is empty: must be one of "config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"',
      );
    const finders = {
      container: containerText(flags.bool("size")),
      image: imageText(),
      network: networkText(false),
      volume: volumeText,
    };
    const kind = kinds.find((one) => one === type);
    if (kind !== undefined) return show(context, flags, names, finders[kind]);
    if (type !== "") {
      const known = dockersKinds.map((one) => JSON.stringify(one)).join(", ");
      if (dockersKinds.includes(type)) throw failure("not-implemented", { what: `--type=${type}` });
      throw commandFailed(`unknown type: ${JSON.stringify(type)}: must be one of ${known}`);
    }
    return show(context, flags, names, async (client, id) => {
      for (const find of Object.values(finders)) {
        try {
          return await find(client, id);
        } catch (error) {
          const elsewhere = error instanceof ServerError && (error.status === 404 || error.status === 400);
          if (!elsewhere) throw error;
        }
      }
      throw commandFailed(`Error: No such object: ${id}`);
    });
  },
};
