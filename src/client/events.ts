/**
 * What happens in the engine: Engine API `/events`.
 * @module
 */
import type { EventMessage } from "@docker/node-sdk";
import { jsonTexts } from "./json-stream.ts";
import { filterQuery, type Filters, type Transport } from "./transport.ts";

/** Which events; times are seconds since the epoch (with a fraction) or RFC 3339. */
export interface EventsOptions {
  readonly since?: string;
  readonly until?: string;
  readonly filters?: Filters;
  readonly signal?: AbortSignal;
}

/** An event, and its JSON as the engine wrote it: nanoseconds have more digits than a number keeps. */
export interface EngineEvent {
  readonly event: EventMessage;
  readonly text: string;
}

/** Events as they happen, until `until` or for ever. */
export async function* events(
  transport: Transport,
  options: EventsOptions = {},
): AsyncGenerator<EngineEvent> {
  const { filters, signal, ...rest } = options;
  const reply = await transport.send("GET", "/events", {
    query: { ...rest, filters: filterQuery(filters) },
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const text of jsonTexts(reply.body)) yield { event: JSON.parse(text) as EventMessage, text };
}
