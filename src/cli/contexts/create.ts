/**
 * `caisson context create|update`
 * @module
 */
import type { Command, Context } from "../command.ts";
import { defaultSocket, namedHost } from "../connect.ts";
import { commandFailed } from "../failure-text.ts";
import type { Flags, FlagSpec } from "../flags.ts";
import { configurationFolder, currentContext } from "./current.ts";
import { describedEndpoint, takeEndpoint, type DescribedEndpoint } from "./endpoint.ts";
import { checkContextName, ContextStore, type StoredContext } from "./store.ts";

/** What the default context is described by. */
export const defaultDescription = "Current DOCKER_HOST based configuration";

/** The host of the default context. */
export function defaultHost(globals: Flags, env: NodeJS.ProcessEnv = process.env): string {
  return namedHost(globals, env) ?? `unix://${defaultSocket}`;
}

const keysHelp = `Docker endpoint config:

NAME                DESCRIPTION
from                Copy named context's Docker endpoint configuration
host                Docker endpoint on which to connect
ca                  Trust certs signed only by this CA
cert                Path to TLS certificate file
key                 Path to TLS key file
skip-tls-verify     Skip TLS certificate validation

Example:
`;

const flags: readonly FlagSpec[] = [
  { name: "description", type: "string", usage: "Description of the context" },
  {
    name: "docker",
    type: "map",
    usage: "set the docker endpoint",
    shown: "[]",
    take: takeEndpoint,
  },
];

const copied = (context: Context, name: string): DescribedEndpoint => {
  if (name === "default") {
    return {
      endpoint: { Host: defaultHost(context.globals), SkipTLSVerify: false },
      material: new Map(),
    };
  }
  const store = new ContextStore(configurationFolder(context.globals));
  return {
    endpoint: store.read(name).Endpoints.docker ?? { SkipTLSVerify: false },
    material: store.material(name),
  };
};

/** A stored context's metadata, or those of the default one. */
function metadataOf(context: Context, name: string): StoredContext["Metadata"] {
  if (name === "default") return { Description: defaultDescription };
  return new ContextStore(configurationFolder(context.globals)).read(name).Metadata;
}

/** `caisson context create` */
export const createContext: Command = {
  use: "[OPTIONS] CONTEXT",
  long: `Create a context

${keysHelp}
$ caisson context create my-context --description "some description" --docker "host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"
`,
  flags: [...flags, { name: "from", type: "string", usage: "create context from a named context" }],
  args: { exact: 1 },
  run: async (context, given, [name = ""]) => {
    checkContextName(name);
    const store = new ContextStore(configurationFolder(context.globals));
    if (store.has(name)) throw commandFailed(`context ${JSON.stringify(name)} already exists`);
    const described = given.list("docker");
    const from = given.string("from") ?? "";
    if (from !== "" && described.length > 0) {
      throw commandFailed("cannot use --docker flag when --from is set");
    }
    const source = from || (described.length > 0 ? "" : currentContext(context.globals).name);
    const { endpoint, material } =
      source === ""
        ? describedEndpoint(described, (other) => copied(context, other))
        : copied(context, source);
    const description = given.string("description") ?? "";
    const Metadata = {
      ...(source === "" ? {} : metadataOf(context, source)),
      ...(description === "" ? {} : { Description: description }),
    };
    store.write({ Name: name, Metadata, Endpoints: { docker: endpoint } }, material);
    context.stdout.line(name);
    context.stderr.line(`Successfully created context ${JSON.stringify(name)}`);
    return 0;
  },
};

/** `caisson context update` */
export const updateContext: Command = {
  use: "[OPTIONS] CONTEXT",
  long: `Update a context

${keysHelp}
$ caisson context update my-context --description "some description" --docker "host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"
`,
  flags,
  args: { exact: 1 },
  run: async (context, given, [name = ""]) => {
    checkContextName(name);
    const store = new ContextStore(configurationFolder(context.globals));
    const before = store.read(name);
    const described = given.list("docker");
    const { endpoint, material } =
      described.length === 0
        ? copied(context, name)
        : describedEndpoint(described, (other) => copied(context, other));
    const description = given.string("description") ?? "";
    const Metadata = { ...before.Metadata, ...(description === "" ? {} : { Description: description }) };
    store.write({ Name: name, Metadata, Endpoints: { ...before.Endpoints, docker: endpoint } }, material);
    context.stdout.line(name);
    context.stderr.line(`Successfully updated context ${JSON.stringify(name)}`);
    return 0;
  },
};
