/**
 * Ports of a container in one line: `0.0.0.0:8080->80/tcp, 443/tcp`, neighbours as ranges.
 * @module
 */
import type { PortSummary } from "@docker/node-sdk";

/** The ports as `ps` shows them. */
export function portsText(ports: readonly PortSummary[]): string {
  const groups = new Map<string, { first: number; last: number }>();
  const result: string[] = [];
  const mappings: string[] = [];
  for (const port of ports.toSorted(byNumber)) {
    const current = port.PrivatePort ?? 0;
    const ip = port.IP ?? "";
    if (ip !== "" && port.PublicPort !== current) {
      mappings.push(`${join(ip, String(port.PublicPort ?? 0))}->${current}/${port.Type}`);
      continue;
    }
    const key = ip === "" ? String(port.Type) : `${ip}/${port.Type}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: current, last: current });
    else if (current === group.last + 1) group.last = current;
    else {
      result.push(groupText(key, group.first, group.last));
      groups.set(key, { first: current, last: current });
    }
  }
  for (const [key, { first, last }] of groups) result.push(groupText(key, first, last));
  return [...result, ...mappings].join(", ");
}

function byNumber(a: PortSummary, b: PortSummary): number {
  return (
    (a.PrivatePort ?? 0) - (b.PrivatePort ?? 0) ||
    order(a.IP ?? "", b.IP ?? "") ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    order(String(a.Type), String(b.Type))
  );
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** An address and a port; IPv6 addresses stand in brackets. */
export function join(ip: string, port: string): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function groupText(key: string, first: number, last: number): string {
  const slash = key.indexOf("/");
  const range = first === last ? String(first) : `${first}-${last}`;
  if (slash < 0) return `${range}/${key}`;
  return `${join(key.slice(0, slash), range)}->${range}/${key.slice(slash + 1)}`;
}
