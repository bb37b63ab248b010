/**
 * Names of files as strings that keep every byte. Valid UTF-8 is itself; each byte that isn't is the lone surrogate
 * U+DC00 + byte (as PEP 383 does), so that a name can be a map's key, be printed, and be turned back without loss.
 * @module
 */

const escapeBase = 0xdc00;

/** The string of a file's name; {@link encodeName} gives the same bytes back. */
export function decodeName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString("utf8");
  // A replacement character is either in the name itself or a sign of invalid bytes: the slow way tells.
  return text.includes("\ufffd") || text.includes("\ufeff") || bytes[0] === 0xef
    ? decodeSlowly(buffer)
    : text;
}

function decodeSlowly(bytes: Buffer): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(escapeBase + (bytes[at] ?? 0));
      at += 1;
      continue;
    }
    text += String.fromCodePoint(codePoint(bytes, at, length));
    at += length;
  }
  return text;
}

/** Length of the well-formed UTF-8 sequence at `at` (Unicode table 3-7), 0 if there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead <= 0xdf
      ? 2
      : lead >= 0xe0 && lead <= 0xef
        ? 3
        : lead >= 0xf0 && lead <= 0xf4
          ? 4
          : 0;
  if (length === 0) return 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  let value = (bytes[at] ?? 0) & (length === 1 ? 0x7f : 0xff >> (length + 1));
  for (let i = 1; i < length; i++) value = (value << 6) | ((bytes[at + i] ?? 0) & 0x3f);
  return value;
}

/** The bytes of a name made by {@link decodeName}, or of any other well-formed string. */
export function encodeName(name: string): Uint8Array {
  if (name.isWellFormed()) return Buffer.from(name, "utf8");
  const parts: Uint8Array[] = [];
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    const escaped = code >= escapeBase + 0x80 && code <= escapeBase + 0xff;
    parts.push(escaped ? Uint8Array.of(code - escapeBase) : Buffer.from(character, "utf8"));
  }
  return Buffer.concat(parts);
}
