/**
 * A wire for tests: what comes in is given, what goes out is kept.
 * @module
 */
import type { Wire } from "./wire.ts";

/** A {@link Wire} that reads `incoming`, piece by piece. */
export class FakeWire implements Wire {
  readonly stale: boolean = false;
  sent = "";
  closed = false;
  readonly #incoming: Uint8Array[];

  constructor(incoming: readonly string[]) {
    this.#incoming = incoming.map((piece) => new TextEncoder().encode(piece));
  }

  async read(): Promise<Uint8Array | undefined> {
    return this.#incoming.shift();
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#incoming.unshift(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.sent += new TextDecoder().decode(bytes);
  }

  end(): void {}

  close(): void {
    this.closed = true;
  }
}
