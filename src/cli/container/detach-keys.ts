/**
 * The keys that leave a container running: `ctrl-p,ctrl-q`, or what --detach-keys says (moby/term's notation).
 * @module
 */
import { commandFailed } from "../failure-text.ts";

/** ctrl-p ctrl-q */
const defaultKeys: Uint8Array = Uint8Array.of(16, 17);

/**
 * The bytes that a key sequence such as `ctrl-a,x` stands for; the default for an empty one.
 * @throws command-failed with docker's text
 */
export function parseDetachKeys(keys: string): Uint8Array {
  if (keys === "") return defaultKeys;
  return Uint8Array.from(keys.split(","), (key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control === undefined) {
      throw commandFailed(`invalid detach keys (${keys}): Unknown character: '${key}'`);
    }
    return control.charCodeAt(0) & 0x1f;
  });
}

/**
 * Looks for the key sequence in what is typed. Keys that may be its beginning are held back until the next one decides.
 */
export class DetachWatch {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What of `typed` goes on to the container, and whether the sequence is complete. */
  push(typed: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    const pass: number[] = [];
    for (const byte of typed) {
      if (byte !== this.#keys[this.#matched]) {
        pass.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) {
        pass.push(byte);
        continue;
      }
      this.#matched++;
      if (this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), detached: true };
    }
    return { pass: Uint8Array.from(pass), detached: false };
  }
}
