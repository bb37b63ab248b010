/**
 * Standard streams by descriptor: text at once, bytes with back-pressure. `process.stdout` is left alone, it takes 11 ms
 * to make.
 * @module
 */
import { fs, tty } from "./builtins.ts";

/** Somewhere to print. */
export interface Output {
  /** Prints text as it is. */
  text(text: string): void;
  /** Prints text and a line end. */
  line(text: string): void;
  /** Prints bytes; resolves when the reader has taken them. */
  bytes(bytes: Uint8Array): Promise<void>;
  /** Whether it is a terminal. */
  readonly terminal: boolean;
}

/** How long to wait when a descriptor that someone else made non-blocking is full or empty. */
const retryMs = 2;

/** Lines up to this length go through the console, which needs no module. */
const consoleMost = 1024;

/** Whether descriptor `fd` is a terminal. */
export function isTerminal(fd: number): boolean {
  return tty().isatty(fd);
}

/** The output on descriptor `fd`. */
export function outputOn(fd: number): Output {
  const text = (value: string): void => {
    let rest: Uint8Array = new TextEncoder().encode(value);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(fs().writeSync(fd, rest));
      } catch (error) {
        if (codeOf(error) !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
      }
    }
  };
  return {
    text,
    line: (value) => {
      if (value.length <= consoleMost && fd === 1) console.log(value);
      else text(`${value}\n`);
    },
    bytes: (bytes) => writeAll(fd, bytes),
    get terminal() {
      return isTerminal(fd);
    },
  };
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) {
    const written = await new Promise<number>((resolve, reject) => {
      fs().write(fd, rest, 0, rest.length, null, (error, count) => {
        if (error === null) resolve(count);
        else if (codeOf(error) === "EAGAIN") setTimeout(resolve, retryMs, 0);
        else reject(error);
      });
    });
    rest = rest.subarray(written);
  }
}

/** What arrives on descriptor `fd`, until its end. Nothing is read ahead of the consumer. */
export async function* inputOn(fd: number): AsyncGenerator<Uint8Array> {
  const size = 1 << 16;
  for (;;) {
    const buffer = new Uint8Array(size);
    const count = await new Promise<number>((resolve, reject) => {
      fs().read(fd, buffer, 0, size, null, (error, n) => {
        if (error === null) resolve(n);
        else if (codeOf(error) === "EAGAIN") setTimeout(resolve, retryMs, -1);
        // A terminal whose other side is gone.
        else if (codeOf(error) === "EIO") resolve(0);
        else reject(error);
      });
    });
    if (count === 0) return;
    if (count > 0) yield buffer.subarray(0, count);
  }
}

/** The name of a system error, or an empty text. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}
