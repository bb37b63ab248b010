/**
 * What a container asks to have published: Docker's ExposedPorts, PortBindings and PublishAllPorts → port requests.
 * Ports that follow each other on both sides are one request. Pure.
 * @module
 */
import { isIP } from "node:net";
import { failure } from "../../errors/mod.ts";
import type { Protocol } from "../types.ts";

/** One port or a range of ports to be published. */
export interface PortRequest {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** Ports of the container from `containerPort` up; more than 1 only with as many fixed host ports. */
  readonly count: number;
  /** Empty: the network's or the engine's default. */
  readonly hostAddress: string;
  /** The host's port is one of these; 0 and 0: any free one. Equal, unless Docker may pick out of a range. */
  readonly hostFirst: number;
  readonly hostLast: number;
}

interface Binding {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

/** Docker's half of a container's configuration that says what is published. */
export interface PortSettings {
  readonly exposed: readonly string[];
  readonly bindings: Readonly<Record<string, readonly Binding[] | null>>;
  readonly publishAll: boolean;
}

const MAX_PORT = 65535;
const protocols = new Set<string>(["tcp", "udp", "sctp"]);

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

function isProtocol(text: string): text is Protocol {
  return protocols.has(text);
}

/**
 * Reads `80/tcp`.
 * @throws invalid-parameter in Docker's words
 */
export function parseContainerPort(spec: string): { readonly port: number; readonly protocol: Protocol } {
  const [number = "", protocol = "tcp"] = spec.split("/", 2);
  const name = protocol.toLowerCase();
  const port = /^\d{1,5}$/.test(number) ? Number(number) : MAX_PORT + 1;
  if (port > MAX_PORT) refuse(`invalid port specification: ${JSON.stringify(number)}`);
  if (port === 0) refuse(`invalid port specification: ${JSON.stringify(spec)}`);
  if (!isProtocol(name))
    refuse(`invalid port specification: ${JSON.stringify(spec)}: invalid proto: ${protocol}`);
  return { port, protocol: name };
}

function parseHostPort(text: string): readonly [first: number, last: number] {
  if (text === "" || text === "0") return [0, 0];
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1] ?? -1);
  const last = Number(match?.[2] ?? first);
  if (first < 1 || last > MAX_PORT || last < first)
    refuse(`invalid port specification: ${JSON.stringify(text)}`);
  return [first, last];
}

/** Everything that is to be published, in the order of protocol, address and port. */
export function portRequests({ exposed, bindings, publishAll }: PortSettings): PortRequest[] {
  const single: PortRequest[] = [];
  for (const [spec, list] of Object.entries(bindings)) {
    const { port, protocol } = parseContainerPort(spec);
    for (const { HostIp: hostAddress = "", HostPort: hostPort = "" } of list ?? []) {
      if (hostAddress !== "" && isIP(hostAddress) === 0) refuse(`invalid IP address: ${hostAddress}`);
      const [hostFirst, hostLast] = parseHostPort(hostPort);
      single.push({ protocol, containerPort: port, count: 1, hostAddress, hostFirst, hostLast });
    }
  }
  if (publishAll) {
    for (const spec of exposed) {
      const { port, protocol } = parseContainerPort(spec);
      if ((bindings[spec] ?? []).length > 0) continue;
      single.push({ protocol, containerPort: port, count: 1, hostAddress: "", hostFirst: 0, hostLast: 0 });
    }
  }
  return joinRanges(single);
}

/** Fewer than these stay ports of their own, each with a proxy as Docker shows it. */
const RANGE_FROM = 16;

function joinRanges(single: readonly PortRequest[]): PortRequest[] {
  const sorted = [...single].sort(
    (a, b) =>
      a.protocol.localeCompare(b.protocol) ||
      a.hostAddress.localeCompare(b.hostAddress) ||
      a.containerPort - b.containerPort,
  );
  const runs: PortRequest[][] = [];
  for (const request of sorted) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && follows(last, request)) run.push(request);
    else runs.push([request]);
  }
  return runs.flatMap((run) => {
    const [first] = run;
    if (first === undefined || run.length < RANGE_FROM) return run;
    return [{ ...first, count: run.length }];
  });
}

function follows(a: PortRequest, b: PortRequest): boolean {
  return (
    a.protocol === b.protocol &&
    a.hostAddress === b.hostAddress &&
    a.hostFirst !== 0 &&
    a.hostFirst === a.hostLast &&
    b.hostFirst === b.hostLast &&
    b.containerPort === a.containerPort + 1 &&
    b.hostFirst === a.hostFirst + 1
  );
}
