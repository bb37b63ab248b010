/**
 * Follows the frames of a zstd stream without decoding them, to tell a complete one from one that was cut off, which
 * node:zlib takes silently. Source: RFC 8878, section 3.1.
 * @module
 */

const frameMagic = 0xfd2fb528;
const skippableMask = 0xfffffff0;
const skippableMagic = 0x184d2a50;

type State = "magic" | "descriptor" | "block" | "skippable";

/** Knows at each byte whether a frame is complete. What it doesn't understand it leaves to the decoder. */
export class ZstdFrames {
  #state: State = "magic";
  /** Bytes of a fixed-size field, read so far. */
  readonly #field: number[] = [];
  #wanted = 4;
  #skip = 0;
  #checksum = 0;
  #lost = false;

  /** Takes in the next bytes of the stream. */
  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#lost;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#field.push(chunk[at] ?? 0);
      at += 1;
      if (this.#field.length < this.#wanted) continue;
      this.#take(this.#field.reduceRight((sum, byte) => sum * 256 + byte, 0));
      this.#field.length = 0;
    }
  }

  /** Whether the stream may end here. */
  get complete(): boolean {
    return this.#lost || (this.#state === "magic" && this.#field.length === 0 && this.#skip === 0);
  }

  #expect(state: State, bytes: number): void {
    this.#state = state;
    this.#wanted = bytes;
  }

  #take(value: number): void {
    switch (this.#state) {
      case "magic":
        if (value === frameMagic) this.#expect("descriptor", 1);
        else if ((value & skippableMask) === skippableMagic) this.#expect("skippable", 4);
        else this.#lost = true;
        return;
      case "skippable":
        this.#skip = value;
        this.#expect("magic", 4);
        return;
      case "descriptor":
        this.#skip = headerRest(value);
        this.#checksum = (value & 4) === 0 ? 0 : 4;
        this.#expect("block", 3);
        return;
      case "block": {
        const rle = ((value >> 1) & 3) === 1;
        this.#skip = rle ? 1 : value >> 3;
        if ((value & 1) === 0) return;
        this.#skip += this.#checksum;
        this.#expect("magic", 4);
      }
    }
  }
}

/** Bytes of the frame's header after its descriptor: window, dictionary and content size. */
function headerRest(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return (single ? 0 : 1) + dictionary + contentSize;
}
