/**
 * Published and exposed ports: `-p [[ip:]host:]container[/proto]` with ranges, and `--expose`.
 * @module
 */
import { commandFailed } from "../failure-text.ts";
import { cut } from "../key-values.ts";
import { ipFamily } from "./ip-family.ts";

/** Where a port of the container appears on the host. */
export interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** Published ports by `80/tcp`, and all ports that are exposed. */
export interface Ports {
  readonly bindings: Readonly<Record<string, readonly Binding[]>>;
  readonly exposed: Readonly<Record<string, object>>;
}

/** Reads `-p` and `--expose` flags. @throws command-failed with docker's text */
export function parsePorts(publish: readonly string[], expose: readonly string[]): Ports {
  const bindings: Record<string, Binding[]> = {};
  const exposed: Record<string, object> = {};
  for (const spec of publish) {
    for (const [port, binding] of parsePublish(standard(spec))) {
      (bindings[port] ??= []).push(binding);
      exposed[port] = {};
    }
  }
  for (const spec of expose) {
    for (const port of parseExpose(spec)) exposed[port] = {};
  }
  return { bindings, exposed };
}

/** `published=80,target=8080,protocol=udp` as `80:8080/udp`. */
function standard(spec: string): string {
  if (!spec.includes("=")) return spec;
  const fields: Record<string, string> = { protocol: "tcp" };
  for (const word of spec.split(",")) {
    const [key, value] = cut(word, "=");
    if (!word.includes("=") || key === "") {
      throw commandFailed(`invalid publish opts format (should be name=value but got '${word}')`);
    }
    fields[key] = value;
  }
  return `${fields["published"] ?? ""}:${fields["target"] ?? ""}/${fields["protocol"]}`;
}

function parsePublish(spec: string): readonly (readonly [string, Binding])[] {
  const { ip, host, container } = splitPublish(spec);
  const [range, given] = cut(container, "/");
  const protocol = given === "" ? "tcp" : given.toLowerCase();
  if (range === "") throw commandFailed(`No port specified: ${spec}<empty>`);
  const bracketed = ip.startsWith("[");
  if (ip.includes(":") && !bracketed) {
    throw commandFailed(`Invalid ip address ${ip}: address ${ip}:: too many colons in address`);
  }
  const address = bracketed ? ip.slice(1, -1) : ip;
  if (address !== "" && ipFamily(address) === 0) throw commandFailed(`Invalid ip address: ${ip}`);
  const [start, end] = parseRange(range, `Invalid containerPort: ${range}`);
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw commandFailed(`Invalid proto: ${given}`);
  const count = end - start;
  const [hostStart, hostEnd] = host === "" ? [0, 0] : parseRange(host, `Invalid hostPort: ${host}`);
  // One container port may take any port of a range on the host; otherwise the ranges match one to one.
  if (host !== "" && hostEnd - hostStart !== count && count > 0) {
    throw commandFailed(`Invalid ranges specified for container and host Ports: ${range} and ${host}`);
  }
  const result: (readonly [string, Binding])[] = [];
  for (let i = 0; i <= count; i++) {
    const any = count === 0 && hostStart !== hostEnd;
    const port = host === "" ? "" : any ? `${hostStart}-${hostEnd}` : String(hostStart + i);
    result.push([`${start + i}/${protocol}`, { HostIp: address, HostPort: port }]);
  }
  return result;
}

function splitPublish(spec: string): { ip: string; host: string; container: string } {
  const parts = spec.split(":");
  const container = parts.pop() ?? "";
  const host = parts.pop() ?? "";
  return { ip: parts.join(":"), host, container };
}

function parseRange(text: string, problem: string): readonly [number, number] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const start = Number(match?.[1]);
  const end = Number(match?.[2] ?? match?.[1]);
  if (match === null || start > 65_535 || end > 65_535 || end < start) throw commandFailed(problem);
  return [start, end];
}

function parseExpose(spec: string): readonly string[] {
  if (spec.includes(":")) throw commandFailed(`invalid port format for --expose: ${spec}`);
  const [range, given] = cut(spec, "/");
  const protocol = given === "" ? "tcp" : given.toLowerCase();
  const numbers = range.split("-");
  const problem = numbers.every((number) => /^\d+$/.test(number))
    ? `Invalid range specified for the Port: ${range}`
    : `strconv.ParseUint: parsing ${JSON.stringify(numbers.find((number) => !/^\d+$/.test(number)) ?? "")}: invalid syntax`;
  const [start, end] = parseRange(range, `invalid range format for --expose: ${spec}, error: ${problem}`);
  return Array.from({ length: end - start + 1 }, (_, i) => `${start + i}/${protocol}`);
}
