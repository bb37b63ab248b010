/**
 * What happens in the engine: Engine API `/events`.
 * @module
 */
import type { EventMessage } from "@docker/node-sdk";
import { jsonValues } from "./json-stream.ts";
import { filterQuery, type Filters, type Transport } from "./transport.ts";

/** Which events; times are seconds since the epoch (with a fraction) or RFC 3339. */
export interface EventsOptions {
  readonly since?: string;
  readonly until?: string;
  readonly filters?: Filters;
  readonly signal?: AbortSignal;
}

/** Events as they happen, until `until` or for ever. */
export async function* events(
  transport: Transport,
  options: EventsOptions = {},
): AsyncGenerator<EventMessage> {
  const { filters, signal, ...rest } = options;
  const reply = await transport.send("GET", "/events", {
    query: { ...rest, filters: filterQuery(filters) },
    ...(signal === undefined ? {} : { signal }),
  });
  yield* jsonValues<EventMessage>(reply.body);
}
