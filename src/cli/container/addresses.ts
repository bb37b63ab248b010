/**
 * Addresses and names in flags: IP, MAC, extra hosts, search domains, links.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { cut } from "../key-values.ts";
import { ipFamily } from "./ip-family.ts";

/** Takes an IP address. @throws usage with docker's text */
export function takeAddress(value: string): string {
  const address = value.trim();
  if (ipFamily(address) === 0) throw wrong(`IP address is not correctly formatted: ${value}`);
  return ipFamily(address) === 6 ? canonical6(address) : address;
}

/** The address in its shortest form (RFC 5952), as Go prints it. */
function canonical6(address: string): string {
  const url = URL.parse(`http://[${address}]/`);
  return url === null ? address : url.hostname.slice(1, -1);
}

/** Whether `value` is a MAC address in one of the forms that Go's net.ParseMAC reads. */
export function isMac(value: string): boolean {
  const form =
    /^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}(?:(?:[0-9a-f]{2}\1){2}|(?:[0-9a-f]{2}\1){14})?[0-9a-f]{2}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,3})$/i;
  return form.test(value.trim());
}

/** Takes `name:address` or `name=[address]`, as `name:address`. @throws usage with docker's text */
export function takeExtraHost(value: string): string {
  const [name, rest] = cut(value, value.includes("=") ? "=" : ":");
  if (name === "" || name.includes(":") || !/[=:]/.test(value)) {
    throw wrong(`bad format for add-host: ${JSON.stringify(value)}`);
  }
  if (rest === "host-gateway") return `${name}:${rest}`;
  const address = /^\[.+\]$/.test(rest) ? rest.slice(1, -1) : rest;
  if (ipFamily(address.trim()) === 0)
    throw wrong(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  return `${name}:${address}`;
}

/** Takes a DNS search domain. @throws usage with docker's text */
export function takeSearchDomain(value: string): string {
  const domain = value.replace(/^ +| +$/g, "");
  if (domain === ".") return domain;
  const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-_]*[a-zA-Z0-9])?";
  const match = new RegExp(`^(:?${label}(?:\\.${label})*)\\.?\\s*$`).exec(domain);
  if (!/[a-zA-Z]/.test(domain) || match?.[1] === undefined || match[1].length >= 255) {
    throw wrong(`${domain} is not a valid domain`);
  }
  return match[1];
}

/** Takes a link `name[:alias]`. @throws usage with docker's text */
export function takeLink(value: string): string {
  if (value === "") throw wrong("empty string specified for links");
  if (value.split(":").length > 2) throw wrong(`bad format for links: ${value}`);
  return value;
}

function wrong(message: string): Error {
  return failure("usage", { message });
}
