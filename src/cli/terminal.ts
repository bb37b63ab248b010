/**
 * The terminal that a command runs in: its size, raw mode.
 * @module
 */
import { isatty, ReadStream, WriteStream } from "node:tty";

/** Rows and columns. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** The size of the terminal on descriptor `fd`; zeros when it is none. */
export function terminalSize(fd: number): Size {
  if (!isatty(fd)) return { height: 0, width: 0 };
  const [width, height] = new WriteStream(fd).getWindowSize();
  return { height, width };
}

/** The width that help is wrapped to. */
export function helpWidth(): number {
  const { width } = terminalSize(0);
  return width === 0 ? 80 : width;
}

/**
 * Puts the terminal on standard input into raw mode, output too: what a program in the container means by a bare line
 * feed must arrive as one. node:tty leaves output processing on, so stty turns it off; without stty the terminal is merely
 * less exact.
 * @returns what undoes it, once
 */
export async function rawMode(): Promise<() => void> {
  const { spawnSync } = await import("node:child_process");
  const stream = new ReadStream(0);
  stream.setRawMode(true);
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  let raw = true;
  return () => {
    if (!raw) return;
    raw = false;
    // Restores everything as it was before the first call, output processing included.
    stream.setRawMode(false);
  };
}

/** Calls `changed` when the terminal changes its size. @returns what ends it */
export function onResize(changed: () => void): () => void {
  process.on("SIGWINCH", changed);
  return () => {
    process.off("SIGWINCH", changed);
  };
}
