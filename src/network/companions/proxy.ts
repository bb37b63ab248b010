/**
 * The proxy of a published port, with dockerd's arguments and descriptors, so that another program can take its place
 * (`--userland-proxy-path`).
 * @module
 */
import { close, CWD, flags, O, open, type ProgramBuilder, type Slot } from "../../kernel/mod.ts";
import { bracketed } from "../ipam/addresses.ts";
import type { PublishedPort } from "../types.ts";
import { startCompanion, type CompanionParent, type CompanionSlots } from "./companion.ts";
import { bindSocket } from "./sockets.ts";

/** Adds the taking of a published port of the host: whoever else has it is found out. */
export function bindPort(b: ProgramBuilder, port: PublishedPort, into: Slot): void {
  bindSocket(
    b,
    bindLabel(port),
    {
      protocol: port.protocol,
      address: port.hostAddress,
      port: port.proxyPort ?? port.hostPort,
      transparent: port.proxyPort !== undefined,
    },
    into,
  );
}

/** What the operations that take a port are called: behind it stands the binding, as dockerd writes it. */
export const BIND_LABEL = "bind host port ";

function bindLabel(port: PublishedPort): string {
  return `${BIND_LABEL}${bindingText(port)}`;
}

/** A binding in dockerd's words: `0.0.0.0:8080:172.17.0.2:80/tcp`. */
export function bindingText(port: PublishedPort): string {
  const { protocol, hostAddress, hostPort, containerAddress, containerPort } = port;
  return `${bracketed(hostAddress)}:${hostPort}:${bracketed(containerAddress)}:${containerPort}/${protocol}`;
}

/** How proxies are started. */
export interface ProxyStart {
  /** The user's own program. */
  readonly path: string | undefined;
  readonly parent: CompanionParent;
  readonly slots: CompanionSlots;
  /** For what the proxy says when it is there. */
  readonly status: Slot;
}

/** Adds the start of the proxy of one port, or range, whose socket is `listener`. */
export function startProxy(
  b: ProgramBuilder,
  port: PublishedPort,
  listener: Slot,
  { path, parent, slots, status }: ProxyStart,
): void {
  const { protocol, hostAddress, hostPort, containerAddress, containerPort, count } = port;
  open(b, "a status that nobody reads", CWD, "/dev/null", flags(O, "WRONLY", "CLOEXEC"), status);
  const argv = [
    path ?? "caisson-proxy",
    "-proto",
    protocol,
    "-host-ip",
    hostAddress,
    "-host-port",
    String(hostPort),
    "-container-ip",
    containerAddress,
    "-container-port",
    String(containerPort),
    "-use-listen-fd",
    ...(count === 1 ? [] : ["-count", String(count)]),
  ];
  const companion = {
    name: `the proxy of ${hostAddress}:${hostPort}/${protocol}`,
    ...(path === undefined ? {} : { path }),
    argv,
    descriptors: [status, listener],
    parent,
    awaited: path !== undefined || parent === "guard",
  };
  startCompanion(b, companion, slots);
  close(b, status);
  close(b, listener);
}
