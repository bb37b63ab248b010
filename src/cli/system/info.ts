/**
 * `caisson info`
 * @module
 */
import type { SystemInfo } from "@docker/node-sdk";
import manifest from "../../../package.json";
import { failure, messageOf } from "../../errors/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed, textOfError } from "../failure-text.ts";
import { cut } from "../key-values.ts";
import { Template } from "../../template/mod.ts";
import { bytesSize } from "../units.ts";

/** `caisson info` */
export const info: Command = {
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
    const debug = context.globals.bool("debug");
    const client = {
      Debug: debug,
      Version: manifest.version,
      Context: "default",
      Plugins: [],
      Warnings: null,
    };
    if (template !== undefined) {
      const server = await (await context.client()).system.info();
      context.stdout.line(execute(template, { ...server, ClientInfo: client }));
      return 0;
    }
    context.stdout.text(
      `Client:\n Version:    ${manifest.version}\n Context:    default\n Debug Mode: ${debug}\n\nServer:\n`,
    );
    let server: SystemInfo;
    try {
      server = await (await context.client()).system.info();
    } catch (error) {
      context.stderr.line(`ERROR: ${textOfError(error)}`);
      throw commandFailed("errors pretty printing info", error);
    }
    context.stdout.text(`${infoLines(server).join("\n")}\n\n`);
    for (const warning of server.Warnings ?? []) context.stderr.line(warning);
    return 0;
  },
};

function parse(source: string): Template {
  try {
    return new Template(source);
  } catch (error) {
    throw failure("bad-template", { message: `template parsing error: ${messageOf(error)}` }, error);
  }
}

function execute(template: Template, value: unknown): string {
  try {
    return template.execute(value);
  } catch (error) {
    throw commandFailed(messageOf(error), error);
  }
}

/** A line when there is something to say. */
function some(label: string, value: string | undefined): readonly string[] {
  return value === undefined || value === "" ? [] : [` ${label}: ${value}`];
}

/** A title and its lines, when there are any. */
function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [` ${title}:`, ...lines.map((line) => `  ${line}`)];
}

/** The engine in docker's words. */
export function infoLines(server: SystemInfo): readonly string[] {
  return [
    ...counts(server),
    ...drivers(server),
    ...runtimes(server),
    ...machine(server),
    ...section("Labels", server.Labels ?? []),
    ` Experimental: ${server.ExperimentalBuild === true}`,
    ...registries(server),
    ` Live Restore Enabled: ${server.LiveRestoreEnabled === true}`,
    ...pools(server),
  ];
}

function counts(server: SystemInfo): readonly string[] {
  return [
    ` Containers: ${server.Containers ?? 0}`,
    `  Running: ${server.ContainersRunning ?? 0}`,
    `  Paused: ${server.ContainersPaused ?? 0}`,
    `  Stopped: ${server.ContainersStopped ?? 0}`,
    ` Images: ${server.Images ?? 0}`,
    ...some("Server Version", server.ServerVersion),
  ];
}

function drivers(server: SystemInfo): readonly string[] {
  const plugins = server.Plugins;
  const authorization = plugins?.Authorization ?? [];
  return [
    ...some("Storage Driver", server.Driver),
    ...(server.DriverStatus ?? []).map(([key, value]) => `  ${key}: ${value}`),
    ...some("Logging Driver", server.LoggingDriver),
    ...some("Cgroup Driver", server.CgroupDriver),
    ...some("Cgroup Version", server.CgroupVersion),
    " Plugins:",
    `  Volume: ${(plugins?.Volume ?? []).join(" ")}`,
    `  Network: ${(plugins?.Network ?? []).join(" ")}`,
    ...(authorization.length === 0 ? [] : [`  Authorization: ${authorization.join(" ")}`]),
    `  Log: ${(plugins?.Log ?? []).join(" ")}`,
    ...section("CDI spec directories", server.CDISpecDirs ?? []),
    ` Swarm: ${server.Swarm?.LocalNodeState ?? "inactive"}`,
  ];
}

function runtimes(server: SystemInfo): readonly string[] {
  const names = Object.keys(server.Runtimes ?? {});
  return [
    ...(names.length === 0
      ? []
      : [` Runtimes: ${names.join(" ")}`, ` Default Runtime: ${server.DefaultRuntime ?? ""}`]),
    ...(server.OSType === "linux" ? linux(server) : []),
  ];
}

function linux(server: SystemInfo): readonly string[] {
  return [
    ` Init Binary: ${server.InitBinary ?? ""}`,
    ` containerd version: ${server.ContainerdCommit?.ID ?? ""}`,
    ` runc version: ${server.RuncCommit?.ID ?? ""}`,
    ` init version: ${server.InitCommit?.ID ?? ""}`,
    ...section("Security Options", (server.SecurityOptions ?? []).flatMap(securityLines)),
  ];
}

/** `name=seccomp,profile=builtin` in lines. */
function securityLines(option: string): readonly string[] {
  const fields = option.split(",").map((field) => cut(field, "="));
  const name = fields.find(([key]) => key === "name")?.[1] ?? option;
  const profile = fields.find(([key]) => key === "profile")?.[1];
  return profile === undefined ? [name] : [name, ` Profile: ${profile}`];
}

function machine(server: SystemInfo): readonly string[] {
  return [
    ...some("Kernel Version", server.KernelVersion),
    ...some("Operating System", server.OperatingSystem),
    ...some("OSType", server.OSType),
    ...some("Architecture", server.Architecture),
    ` CPUs: ${server.NCPU ?? 0}`,
    ` Total Memory: ${bytesSize(server.MemTotal ?? 0)}`,
    ...some("Name", server.Name),
    ...some("ID", server.ID),
    ` Docker Root Dir: ${server.DockerRootDir ?? ""}`,
    ` Debug Mode: ${server.Debug === true}`,
    ...some("HTTP Proxy", server.HttpProxy),
    ...some("HTTPS Proxy", server.HttpsProxy),
    ...some("No Proxy", server.NoProxy),
  ];
}

function registries(server: SystemInfo): readonly string[] {
  const config = server.RegistryConfig;
  const insecure = Object.values(config?.IndexConfigs ?? {})
    .filter((index) => index?.Secure === false)
    .map((index) => index?.Name ?? "");
  return [
    ...section("Insecure Registries", [...insecure, ...(config?.InsecureRegistryCIDRs ?? [])]),
    ...section("Registry Mirrors", config?.Mirrors ?? []),
  ];
}

function pools(server: SystemInfo): readonly string[] {
  const lines = (server.DefaultAddressPools ?? []).map((pool) => ` Base: ${pool.Base}, Size: ${pool.Size}`);
  return section("Default Address Pools", lines);
}
