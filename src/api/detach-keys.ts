/**
 * The keys that leave an attached terminal: Docker's syntax (`ctrl-p,ctrl-q`, `a,b`), and their search in the input.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** ctrl-p, ctrl-q. */
export const defaultDetachKeys: Uint8Array = Uint8Array.of(16, 17);

/** The letters after `ctrl-` besides a to z, in the order of their codes (moby/term, ascii.go). */
const controls: Readonly<Record<string, number>> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/** The bytes of `text`; the default ones if it is empty or missing. Throws 400 with `complaint` as Docker's text. */
export function parseDetachKeys(
  text: string | undefined,
  complaint: (text: string) => string = (t) => `Invalid detach keys (${t}) provided`,
): Uint8Array {
  if (text === undefined || text === "") return defaultDetachKeys;
  const keys: number[] = [];
  for (const key of text.split(",")) {
    const code = keyCode(key);
    if (code === undefined) throw failure("invalid-parameter", { message: complaint(text) });
    keys.push(code);
  }
  return Uint8Array.from(keys);
}

function keyCode(key: string): number | undefined {
  if (key === "DEL") return 127;
  if (key.length === 1) {
    const code = key.charCodeAt(0);
    return code < 128 ? code : undefined;
  }
  if (!key.startsWith("ctrl-") || key.length !== 6) return undefined;
  const letter = key.charAt(5);
  if (/[a-z]/.test(letter)) return letter.charCodeAt(0) - 96;
  return controls[letter];
}

/**
 * Finds the keys in a stream of input. What can't belong to them is passed on at once; a beginning of them is held
 * back until the next byte tells. As Docker does, a broken beginning is passed on whole and the search starts anew
 * with the byte that broke it.
 */
export class DetachMatcher {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What to pass on of `chunk`, and whether the keys were complete: nothing after them is passed on. */
  push(chunk: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    if (this.#matched === 0 && !chunk.includes(this.#keys[0] ?? -1)) return { pass: chunk, detached: false };
    const pass = new Uint8Array(this.#matched + chunk.length);
    let length = 0;
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched] && this.#matched > 0) {
        pass.set(this.#keys.subarray(0, this.#matched), length);
        length += this.#matched;
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { pass: pass.subarray(0, length), detached: true };
      } else pass[length++] = byte;
    }
    return { pass: pass.subarray(0, length), detached: false };
  }

  /** What was held back when the input ended. */
  rest(): Uint8Array {
    const rest = this.#keys.subarray(0, this.#matched);
    this.#matched = 0;
    return rest;
  }
}
