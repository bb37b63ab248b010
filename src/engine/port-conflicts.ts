/**
 * Ports of the host that somebody outside of the engine has: told in Docker's words, or passed over where any port will do.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { failure, inContext } from "../errors/mod.ts";
import { KernelError } from "../kernel/mod.ts";
import { BIND_LABEL, bindingText, hostPorts, takenOfRanges, type Protocol } from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import { requestedPorts, type Place } from "./endpoints.ts";
import type { Services } from "./services.ts";

/** So many ports are tried before the last failure is told. */
const MOST_TRIES = 32;
/** Milliseconds in which a proxy that was ended lets go of its port. */
const PATIENCE = 50;

interface Conflict {
  /** `0.0.0.0:8080:172.17.0.2:80/tcp` */
  readonly binding: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly errno: string;
  readonly reason: string;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
  EPROTONOSUPPORT: "protocol not supported",
};

/** What `error` or what it comes from says. */
function conflictOf(error: unknown): Conflict | undefined {
  if (!(error instanceof KernelError)) {
    return error instanceof Error && error.cause !== undefined ? conflictOf(error.cause) : undefined;
  }
  const label = error.operation?.label ?? "";
  const binding = label.startsWith(BIND_LABEL) ? label.slice(BIND_LABEL.length).split(": ")[0] : undefined;
  const match = /^(?:\[[^\]]*\]|[^:]*):(\d+):.*\/(\w+)$/.exec(binding ?? "");
  const reason = reasons[error.errnoName];
  if (binding === undefined || match === null || reason === undefined) return undefined;
  return {
    binding,
    port: Number(match[1]),
    protocol: match[2] as Protocol,
    errno: error.errnoName,
    reason,
  };
}

/** The tries of one start. */
export class PortTries {
  readonly #container: Container;
  /** Ports that others have, by protocol. */
  readonly passing: Map<Protocol, Set<number>> = new Map();
  #tries = 0;

  constructor(container: Container) {
    this.#container = container;
  }

  /** Whether it is worth another try after `error`; what must not be tried again is remembered. */
  async again(error: unknown): Promise<boolean> {
    const conflict = conflictOf(error);
    if (conflict?.errno !== "EADDRINUSE" || ++this.#tries > MOST_TRIES) return false;
    const { protocol, port } = conflict;
    const asked = requestedPorts(this.#container).some(
      ({ hostFirst, hostLast, count }) =>
        hostFirst !== 0 && hostFirst === hostLast && port >= hostFirst && port < hostFirst + count,
    );
    if (asked) {
      // Whoever is on the way out is gone then.
      if (this.#tries === 1) await sleep(PATIENCE);
      return this.#tries === 1;
    }
    this.passing.set(protocol, (this.passing.get(protocol) ?? new Set()).add(port));
    return true;
  }
}

/** The same error in Docker's words, if it is about a port of the host. `doing`: what stands before them. */
export function portConflict(
  error: unknown,
  container: Container,
  places: readonly Place[],
  doing?: string,
): unknown {
  const conflict = conflictOf(error);
  if (conflict === undefined) return error;
  const { binding, reason, errno } = conflict;
  const [address] = /^(?:\[[^\]]*\]|[^:]*):\d+/.exec(binding) ?? [""];
  // Of a protocol that the kernel lacks Docker's proxy is the first to hear.
  const text =
    errno === "EPROTONOSUPPORT"
      ? `error starting userland proxy: failed to listen on ${address}: ${reason}`
      : `failed to bind host port for ${binding}: ${reason}`;
  const told = notConnected(container, places, text, error);
  return told === undefined || doing === undefined ? (told ?? error) : inContext(doing, told);
}

/**
 * Fails when somebody outside of the engine listens in a range that is about to be published. `before`: what the container
 * publishes so far, whose sockets are the engine's.
 * @throws no-connectivity
 */
export async function requireFreeRanges(
  { executors }: Services,
  container: Container,
  places: readonly Place[],
  before: readonly Place[] = [],
): Promise<void> {
  const own = before.flatMap(({ endpoint }) => endpoint.ports).flatMap(hostPorts);
  const published = places.flatMap(({ endpoint }) => endpoint.ports);
  const taken = await takenOfRanges(executors.warm(), published, own);
  if (taken === undefined) return;
  throw notConnected(
    container,
    places,
    `failed to bind host port for ${bindingText(taken)}: address already in use`,
  );
}

/** What can't be published, in Docker's words; undefined: nothing is. */
function notConnected(
  container: Container,
  places: readonly Place[],
  reason: string,
  cause?: unknown,
): Error | undefined {
  const place = places.find(({ endpoint }) => endpoint.ports.length > 0);
  if (place === undefined) return undefined;
  return failure("no-connectivity", { endpoint: container.name, id: place.endpoint.id, reason }, cause);
}
