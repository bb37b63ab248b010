/**
 * Docker's frames of output, taken off again: eight bytes, of which the last four are the payload's length.
 * @module
 */

/** The payloads of frames, as soon as their bytes come, of both streams together. */
export class FrameStripper {
  #header: Buffer = Buffer.alloc(0);
  #left = 0;

  /** What of `chunk` is payload. */
  push(chunk: Uint8Array): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const taken = Math.min(8 - this.#header.length, rest.length);
        this.#header = Buffer.concat([this.#header, rest.subarray(0, taken)]);
        rest = rest.subarray(taken);
        if (this.#header.length < 8) break;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const payload = rest.subarray(0, this.#left);
      this.#left -= payload.length;
      payloads.push(payload);
      rest = rest.subarray(payload.length);
    }
    return payloads;
  }
}
