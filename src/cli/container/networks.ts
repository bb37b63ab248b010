/**
 * Networks in flags: `--network name` or `--network name=…,alias=…,ip=…`, with `--ip`, `--network-alias` and the like for
 * the first.
 * @module
 */
import type { EndpointSettings } from "@docker/node-sdk";
import { failure } from "../../errors/mod.ts";
import { csvFields } from "../csv.ts";
import { commandFailed } from "../failure-text.ts";
import type { Flags } from "../flags.ts";
import { cut } from "../key-values.ts";
import { isMac } from "./addresses.ts";

/** One network to attach to. */
export interface Attachment {
  target: string;
  aliases: string[];
  links: string[];
  driverOpts?: Record<string, string>;
  ip?: string;
  ip6?: string;
  linkLocal: string[];
  mac?: string;
  priority: number;
}

const longSyntax = /\w+=\w+(,\w+=\w+)*/;

/** Reads one `--network` flag. @throws usage with docker's text */
export function parseNetwork(value: string): Attachment {
  const attachment: Attachment = { target: value, aliases: [], links: [], linkLocal: [], priority: 0 };
  if (!longSyntax.test(value)) return attachment;
  attachment.target = "";
  for (const raw of csvFields(value)) {
    const field = raw.toLowerCase();
    const [key, val] = cut(field, "=").map((part) => part.trim()) as [string, string];
    if (!field.includes("=") || key === "") throw wrong(`invalid field ${raw}`);
    setField(attachment, key, val);
  }
  if (attachment.target === "") throw wrong("network name/id is not specified");
  return attachment;
}

function setField(attachment: Attachment, key: string, value: string): void {
  switch (key) {
    case "name":
      attachment.target = value;
      return;
    case "alias":
      attachment.aliases.push(value);
      return;
    case "ip":
      attachment.ip = value;
      return;
    case "ip6":
      attachment.ip6 = value;
      return;
    case "mac-address":
      attachment.mac = value;
      return;
    case "link-local-ip":
      attachment.linkLocal.push(value);
      return;
    case "driver-opt": {
      const [name, option] = cut(value, "=");
      if (!value.includes("=") || name === "") throw wrong("invalid key value pair format in driver options");
      attachment.driverOpts = { ...attachment.driverOpts, [name.trim()]: option.trim() };
      return;
    }
    case "gw-priority":
      if (!/^[+-]?\d+$/.test(value)) throw wrong(`invalid gw-priority (${value}): invalid syntax`);
      attachment.priority = Number(value);
      return;
    default:
      throw wrong(`invalid field key ${key}`);
  }
}

/** Whether `name` is a network that someone made: not default, bridge, host, none or container:…. */
export function isUserDefined(name: string): boolean {
  return !/^(?:default|bridge|host|none|container:.*)$/.test(name);
}

/** Networks of a container: the mode, and the settings of each endpoint. */
export interface Networking {
  readonly mode: string;
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
}

/** Puts `--network` and the flags for the first network together. @throws command-failed with docker's text */
export function parseNetworking(flags: Flags): Networking {
  const given = flags.list("network").map(parseNetwork);
  const attachments = given.length === 0 ? [parseNetwork("default")] : given;
  const endpoints: Record<string, EndpointSettings> = {};
  attachments.forEach((attachment, index) => {
    if (index === 0) applyFirst(attachment, flags);
    const endpoint = endpointOf(attachment);
    if (attachment.target in endpoints) {
      throw commandFailed(`network ${JSON.stringify(attachment.target)} is specified multiple times`);
    }
    // A single network without settings needs no endpoint: the engine makes it.
    if (given.length !== 1 || Object.keys(endpoint).length > 0) endpoints[attachment.target] = endpoint;
  });
  const kinds = new Set(given.map((a) => isUserDefined(a.target)));
  if (kinds.size > 1) {
    throw commandFailed(
      "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
    );
  }
  const [first] = attachments;
  return {
    mode: first?.target ?? "default",
    endpoints,
  };
}

function applyFirst(first: Attachment, flags: Flags): void {
  const conflict = (flag: string, what: string): Error =>
    commandFailed(`conflicting options: cannot specify both --${flag} and per-network ${what}`);
  const aliases = flags.list("network-alias");
  const links = flags.list("link");
  const ip = flags.string("ip");
  const ip6 = flags.string("ip6");
  const mac = flags.string("mac-address");
  const linkLocal = flags.list("link-local-ip");
  if (first.aliases.length > 0 && aliases.length > 0) throw conflict("network-alias", "alias");
  if (first.ip !== undefined && ip !== undefined) throw conflict("ip", "IPv4 address");
  if (first.ip6 !== undefined && ip6 !== undefined) throw conflict("ip6", "IPv6 address");
  if (first.mac !== undefined && mac !== undefined) throw conflict("mac-address", "MAC address");
  if (first.linkLocal.length > 0 && linkLocal.length > 0) {
    throw conflict("link-local-ip", "link-local IP addresses");
  }
  if (aliases.length > 0) first.aliases = [...aliases];
  if (links.length > 0 && isUserDefined(first.target)) first.links = [...links];
  if (ip !== undefined) first.ip = ip;
  if (ip6 !== undefined) first.ip6 = ip6;
  if (mac !== undefined) first.mac = mac;
  if (linkLocal.length > 0) first.linkLocal = [...linkLocal];
}

function endpointOf(attachment: Attachment): EndpointSettings {
  const { target, aliases, links, driverOpts, ip, ip6, linkLocal, mac, priority } = attachment;
  if (target.trim() === "") throw commandFailed("no name set for network");
  if (!isUserDefined(target) && aliases.length > 0) {
    throw commandFailed("network-scoped aliases are only supported for user-defined networks");
  }
  if (mac !== undefined && !isMac(mac)) throw commandFailed(`${mac} is not a valid mac address`);
  const ipam = {
    ...(ip === undefined ? {} : { IPv4Address: ip }),
    ...(ip6 === undefined ? {} : { IPv6Address: ip6 }),
    ...(linkLocal.length === 0 ? {} : { LinkLocalIPs: linkLocal }),
  };
  return {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(links.length === 0 ? {} : { Links: links }),
    ...(driverOpts === undefined ? {} : { DriverOpts: driverOpts }),
    ...(Object.keys(ipam).length === 0 ? {} : { IPAMConfig: ipam }),
    ...(mac === undefined ? {} : { MacAddress: mac }),
    ...(priority === 0 ? {} : { GwPriority: priority }),
  };
}

function wrong(message: string): Error {
  return failure("usage", { message });
}
