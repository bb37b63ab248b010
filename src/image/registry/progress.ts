/**
 * The events of a pull in Docker's words, and a brake for those that come with every chunk.
 * @module
 */
import type { Descriptor, LayerEvent, LayerStatus, PullEvent } from "./types.ts";

/** Docker's progress object without the rendered bar. */
export interface ProgressMessage {
  readonly status: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

const interval = 100;

/** The event as Docker's stream of JSON has it. */
export function progressMessage(event: PullEvent): ProgressMessage {
  switch (event.kind) {
    case "from":
      return { status: `Pulling from ${event.repository}`, id: event.tag };
    case "digest":
      return { status: `Digest: ${event.digest}` };
    case "status":
      return {
        status: event.newer
          ? `Status: Downloaded newer image for ${event.reference}`
          : `Status: Image is up to date for ${event.reference}`,
      };
    case "layer":
      return layerMessage(event);
  }
}

function layerMessage({ digest, status, current, total, seconds }: LayerEvent): ProgressMessage {
  const id = shortDigest(digest);
  const progressDetail = current === undefined ? {} : { current, total };
  if (status !== "Retrying") return { status, progressDetail, id };
  const unit = seconds === 1 ? "second" : "seconds";
  return { status: `Retrying in ${seconds ?? 0} ${unit}`, progressDetail, id };
}

/** The twelve digits by which Docker names a layer. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}

/** Emits the states of one layer; `Downloading` and `Extracting` at most ten times a second, the last always. */
export class LayerProgress {
  readonly #digest: string;
  readonly #total: number;
  readonly #emit: (event: PullEvent) => void;
  #last = 0;

  constructor({ digest, size }: Descriptor, emit: (event: PullEvent) => void) {
    this.#digest = digest;
    this.#total = size;
    this.#emit = emit;
  }

  /** A new state. */
  state(status: LayerStatus): void {
    this.#emit({ kind: "layer", digest: this.#digest, status });
  }

  /** `current` bytes are done. */
  advance(status: "Downloading" | "Extracting", current: number): void {
    const now = performance.now();
    if (current < this.#total && this.#last !== 0 && now - this.#last < interval) return;
    this.#last = now;
    this.#emit({ kind: "layer", digest: this.#digest, status, current, total: this.#total });
  }

  /** There is a pause of `ms` milliseconds before the next attempt. */
  retrying(ms: number): void {
    const seconds = Math.max(1, Math.ceil(ms / 1000));
    this.#emit({ kind: "layer", digest: this.#digest, status: "Retrying", seconds });
  }
}
