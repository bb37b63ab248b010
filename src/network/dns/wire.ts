/**
 * Reading and writing the pieces of DNS messages. Neither throws: what can't be read or written makes it `bad`.
 * @module
 */

const longestName = 255;
const longestLabel = 63;
const longestMessage = 0xffff;
/** Compression pointers have 14 bits. */
const reachable = 0x4000;

/** A place in a message. After `bad` all numbers are 0 and all names empty. */
export class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  bad = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The next `length` bytes. */
  take(length: number): Uint8Array {
    if (length < 0 || this.at + length > this.bytes.length) this.bad = true;
    if (this.bad) return new Uint8Array();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u16(): number {
    if (this.bad || this.at + 2 > this.bytes.length) {
      this.bad = true;
      return 0;
    }
    this.at += 2;
    return ((this.bytes[this.at - 2] ?? 0) << 8) | (this.bytes[this.at - 1] ?? 0);
  }

  u32(): number {
    const high = this.u16();
    return high * 0x10000 + this.u16();
  }

  /**
   * A name. Each pointer must lead to before the labels that led to it, so that there is no loop, and the name has at most
   * 255 octets, so that it takes no longer than its text.
   */
  name(): string {
    let at = this.at;
    let floor = this.at;
    let behind = -1;
    let length = 1;
    let text = "";
    while (!this.bad) {
      const size = this.bytes[at];
      if (size === 0) {
        this.at = behind < 0 ? at + 1 : behind;
        return text;
      }
      if (size === undefined) break;
      if (size >= 0xc0) {
        const target = ((size & 0x3f) << 8) | (this.bytes[at + 1] ?? 0xff);
        if (at + 2 > this.bytes.length || target >= floor) break;
        if (behind < 0) behind = at + 2;
        at = target;
        floor = target;
        continue;
      }
      length += size + 1;
      if (size > longestLabel || length > longestName || at + 1 + size > this.bytes.length) break;
      text += `${text === "" ? "" : "."}${labelText(this.bytes, at + 1, at + 1 + size)}`;
      at += 1 + size;
    }
    this.bad = true;
    return "";
  }
}

function labelText(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x2e || byte === 0x5c) text += "\\";
    text += String.fromCharCode(byte);
  }
  return text;
}

/** A message that grows. */
export class Writer {
  bad = false;
  #bytes: Uint8Array = new Uint8Array(512);
  #length = 0;
  /** Where the end of a name, as text, was written before. */
  readonly #names = new Map<string, number>();

  /** The whole message; undefined if a part of it couldn't be written. */
  finish(): Uint8Array | undefined {
    return this.bad ? undefined : this.#bytes.slice(0, this.#length);
  }

  put(bytes: ArrayLike<number>): void {
    if (this.#length + bytes.length > longestMessage) this.bad = true;
    if (this.bad) return;
    if (this.#length + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(2 * (this.#length + bytes.length), longestMessage));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  u16(value: number): void {
    if (!(value >= 0 && value <= 0xffff)) this.bad = true;
    this.put([value >> 8, value & 0xff]);
  }

  u32(value: number): void {
    this.u16(Math.floor(value / 0x10000));
    this.u16(value % 0x10000);
  }

  /** What `write` writes, with its length in front. */
  sized(write: () => void): void {
    this.u16(0);
    const from = this.#length;
    write();
    const length = this.#length - from;
    if (this.bad) return;
    this.#bytes[from - 2] = length >> 8;
    this.#bytes[from - 1] = length & 0xff;
  }

  /** A name; with `compress`, its end is a pointer to where it stands already. */
  name(text: string, compress: boolean): void {
    const labels = text === "" ? [] : labelsOf(text);
    if (labels.reduce((sum, label) => sum + label.length + 1, 1) > longestName) this.bad = true;
    for (let index = 0; index < labels.length && !this.bad; index += 1) {
      const label = labels[index] ?? [];
      const rest = JSON.stringify(labels.slice(index));
      const known = compress ? this.#names.get(rest) : undefined;
      if (known !== undefined) return this.u16(0xc000 | known);
      if (label.length === 0 || label.length > longestLabel) this.bad = true;
      if (this.#length < reachable && !this.#names.has(rest)) this.#names.set(rest, this.#length);
      this.put([label.length, ...label]);
    }
    this.put([0]);
  }
}

/** Bytes of each label of a name's text; a character beyond one byte makes its label too long. */
function labelsOf(text: string): number[][] {
  const labels: number[][] = [[]];
  for (let at = 0; at < text.length; at += 1) {
    let code = text.charCodeAt(at);
    if (code === 0x2e) {
      labels.push([]);
      continue;
    }
    if (code === 0x5c) code = text.charCodeAt((at += 1));
    if (code > 0xff || Number.isNaN(code)) return [Array.from({ length: longestLabel + 1 }, () => 0)];
    labels.at(-1)?.push(code);
  }
  return labels;
}
