/**
 * Ports of the host that somebody outside of the engine has: told in Docker's words, or passed over where any port will do.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { failure, inContext } from "../errors/mod.ts";
import { KernelError } from "../kernel/mod.ts";
import { BIND_LABEL, type Protocol } from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import { requestedPorts, SETTING_UP, type Place } from "./endpoints.ts";

/** So many ports are tried before the last failure is told. */
const MOST_TRIES = 32;
/** Milliseconds in which a proxy that was ended lets go of its port. */
const PATIENCE = 50;

interface Conflict {
  /** `0.0.0.0:8080:172.17.0.2:80/tcp` */
  readonly binding: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly taken: boolean;
  readonly reason: string;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
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
    taken: error.errnoName === "EADDRINUSE",
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
    if (conflict === undefined || !conflict.taken || ++this.#tries > MOST_TRIES) return false;
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

/** The same error in Docker's words, if it is about a port of the host. */
export function portConflict(error: unknown, container: Container, places: readonly Place[]): unknown {
  const conflict = conflictOf(error);
  const place = places.find(({ endpoint }) => endpoint.ports.length > 0);
  if (conflict === undefined || place === undefined) return error;
  const reason = `failed to bind host port for ${conflict.binding}: ${conflict.reason}`;
  const parameters = { endpoint: container.name, id: place.endpoint.id, reason };
  return inContext(SETTING_UP, failure("no-connectivity", parameters, error));
}
