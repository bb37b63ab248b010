/**
 * The engine itself: Engine API `/info`, `/version`, `/_ping`, and caisson's own `/caisson/explain/run`.
 * @module
 */
import type { ContainerSummary, ImageSummary, SystemInfo, SystemVersion, Volume } from "@docker/node-sdk";
import { textOf, type Transport } from "./transport.ts";

/** What `GET /system/df` answers below version 1.52. */
export interface DiskUsage {
  /** Bytes of all layers, each counted once. */
  readonly LayersSize?: number;
  readonly Images?: readonly ImageSummary[] | null;
  readonly Containers?: readonly ContainerSummary[] | null;
  readonly Volumes?: readonly Volume[] | null;
  readonly BuildCache?: readonly BuildCacheEntry[] | null;
}

/** A record of a builder's cache. */
export interface BuildCacheEntry {
  readonly Size?: number;
  readonly InUse?: boolean;
  readonly Shared?: boolean;
}

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

  /** Checks credentials with their registry. */
  login(auth: Readonly<Record<string, string>>): Promise<{ Status?: string; IdentityToken?: string }> {
    return this.#transport.json("POST", "/auth", { json: auth });
  }

  /** What takes room, and how much. */
  diskUsage(): Promise<DiskUsage> {
    return this.#transport.json("GET", "/system/df");
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
