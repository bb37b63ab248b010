/**
 * Texts in quotes as Go's `%q` has them, which Docker's errors are full of.
 * @module
 */

const short: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** `text` in double quotes; what nobody would see is told by its number (strconv.Quote). */
export function goQuoted(text: string): string {
  return `"${text.replaceAll(/["\\]|[\p{C}\p{Z}]/gu, escaped)}"`;
}

function escaped(character: string): string {
  if (character === " ") return character;
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  if (code < 0x80) return short[character] ?? `\\x${digits.padStart(2, "0")}`;
  return code > 0xffff ? `\\U${digits.padStart(8, "0")}` : `\\u${digits.padStart(4, "0")}`;
}
