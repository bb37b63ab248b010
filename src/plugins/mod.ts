/**
 * Plugins of Docker's protocol: found by name, asked by JSON over HTTP. The only file of this folder that others import.
 * @module
 */
export { Plugin, Plugins } from "./client.ts";
export type { PluginFiles } from "./discovery.ts";
