/**
 * Flags before the command: which engine, and how to reach it.
 * @module
 */
import type { FlagSpec } from "./flags.ts";
import { tlsFlags } from "./tls-flags.ts";

/** docker's global flags. */
export const globalFlags: readonly FlagSpec[] = [
  { name: "config", type: "string", usage: "Location of client config files", shown: '"/root/.docker"' },
  {
    name: "context",
    short: "c",
    type: "string",
    usage:
      'Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set with "docker context use")',
  },
  { name: "debug", short: "D", type: "bool", usage: "Enable debug mode" },
  { name: "host", short: "H", type: "string", usage: "Daemon socket to connect to" },
  {
    name: "log-level",
    short: "l",
    type: "string",
    usage: 'Set the logging level ("debug", "info", "warn", "error", "fatal")',
    shown: '"info"',
  },
  ...tlsFlags,
  { name: "version", short: "v", type: "bool", usage: "Print version information and quit" },
];
