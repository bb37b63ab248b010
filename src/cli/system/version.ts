/**
 * `caisson version` and `caisson --version`
 * @module
 */
import type { SystemVersion } from "@docker/node-sdk";
import manifest from "../../../package.json";
import { maxVersion } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed, textOfError } from "../failure-text.ts";
import { outputOn } from "../output.ts";
import { alignColumns } from "../table.ts";
import { Template } from "../../template/mod.ts";
import { messageOf } from "../../errors/mod.ts";

/** What this program says about itself. */
interface ClientVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
  readonly BunVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly Context: string;
}

/** Prints the version in one line. */
export function printVersionLine(program: string): number {
  const name = program === "docker" ? "Docker" : "caisson";
  outputOn(1).line(
    `${name} version ${manifest.version}, build ${process.versions["bun"] ?? process.version}`,
  );
  return 0;
}

/** `caisson version` */
export const version: Command = {
  use: "[OPTIONS]",
  flags: [
    {
      name: "format",
      short: "f",
      type: "string",
      usage: `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`,
    },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const format = flags.string("format") ?? "";
    const template = format === "" ? undefined : parse(format === "json" ? "{{json .}}" : format);
    let server: SystemVersion | null = null;
    let problem: unknown;
    let apiVersion = maxVersion;
    try {
      const client = await context.client();
      server = await client.system.version();
      apiVersion = client.version;
    } catch (error) {
      problem = error;
    }
    const client: ClientVersion = {
      Version: manifest.version,
      ApiVersion: apiVersion,
      DefaultAPIVersion: maxVersion,
      BunVersion: process.versions["bun"] ?? "",
      Os: process.platform,
      Arch: process.arch === "x64" ? "amd64" : process.arch,
      Context: "default",
    };
    if (template !== undefined)
      context.stdout.line(execute(template, { Client: withGoNames(client), Server: withGoNames(server) }));
    else context.stdout.text(`${alignColumns(versionText(client, server), { minWidth: 20, padding: 1 })}\n`);
    if (problem !== undefined) throw commandFailed(textOfError(problem), problem);
    return 0;
  },
};

/** Docker's templates know the version of the API by its name in Go, its JSON by another. */
function withGoNames<T extends { readonly ApiVersion?: string } | null>(value: T): T {
  if (value === null) return value;
  return Object.defineProperty({ ...value }, "APIVersion", { value: value.ApiVersion, enumerable: false });
}

function parse(source: string): Template {
  try {
    return new Template(source);
  } catch (error) {
    throw commandFailed(`template parsing error: ${messageOf(error)}`, error);
  }
}

function execute(template: Template, value: unknown): string {
  try {
    return template.execute(value);
  } catch (error) {
    throw commandFailed(messageOf(error), error);
  }
}

function versionText(client: ClientVersion, server: SystemVersion | null): string {
  const downgraded =
    client.ApiVersion === client.DefaultAPIVersion ? "" : ` (downgraded from ${client.DefaultAPIVersion})`;
  const lines = [
    "Client:",
    ` Version:\t${client.Version}`,
    ` API version:\t${client.ApiVersion}${downgraded}`,
    ` Bun version:\t${client.BunVersion}`,
    ` OS/Arch:\t${client.Os}/${client.Arch}`,
    ` Context:\t${client.Context}`,
  ];
  if (server === null) return lines.join("\n");
  const platform = server.Platform?.Name ?? "";
  lines.push("", `Server:${platform === "" ? "" : ` ${platform}`}`);
  for (const component of server.Components ?? []) {
    const details = (component.Details ?? {}) as Record<string, string>;
    lines.push(` ${component.Name}:`, `  Version:\t${component.Version}`);
    if (component.Name === "Engine") lines.push(...engineLines(details));
    else for (const key of Object.keys(details).toSorted()) lines.push(`  ${key}:\t${details[key]}`);
  }
  return lines.join("\n");
}

function engineLines(details: Readonly<Record<string, string>>): readonly string[] {
  const known = [
    ["Go version", details["GoVersion"]],
    ["Git commit", details["GitCommit"]],
    ["Built", details["BuildTime"]],
  ].filter(([, value]) => value !== undefined && value !== "");
  return [
    `  API version:\t${details["ApiVersion"]} (minimum version ${details["MinAPIVersion"]})`,
    ...known.map(([name, value]) => `  ${name}:\t${value}`),
    `  OS/Arch:\t${details["Os"]}/${details["Arch"]}`,
    `  Experimental:\t${details["Experimental"]}`,
  ];
}
