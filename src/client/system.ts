/**
 * The engine itself: Engine API `/info`, `/version`, `/_ping`, and caisson's own `/caisson/explain/run`.
 * @module
 */
import type { SystemInfo, SystemVersion } from "@docker/node-sdk";
import { textOf, type Transport } from "./transport.ts";

/** Requests about the engine. All throw ServerError on refusal. */
export class System {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  info(): Promise<SystemInfo> {
    return this.#transport.json("GET", "/info");
  }

  version(): Promise<SystemVersion> {
    return this.#transport.json("GET", "/version");
  }

  /** Whether an engine answers; agrees on the API's version on the way. */
  ping(): Promise<void> {
    return this.#transport.negotiate();
  }

  /** What starting such a container would do, as text. `request` is `{Name?, Platform?, Config}`. */
  async explainRun(request: { Name?: string; Platform?: string; Config: unknown }): Promise<string> {
    const { Name: name, Platform: platform, Config: json } = request;
    const reply = await this.#transport.send("POST", "/caisson/explain/run", {
      query: { name, platform },
      json,
    });
    return textOf(reply.body);
  }
}
