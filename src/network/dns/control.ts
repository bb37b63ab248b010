/**
 * The engine's side of the resolver: lines of JSON that say what is where, each acknowledged when it is in force.
 * @module
 */
import type { Socket } from "node:net";
import type { ControlLine } from "./types.ts";
import type { Zone } from "./zone.ts";

/** Cuts a stream into lines. */
export class LineReader {
  #parts: string[] = [];
  readonly #decoder = new TextDecoder();

  /** The lines that are whole with `chunk`. */
  push(chunk: Uint8Array): readonly string[] {
    const [first = "", ...others] = this.#decoder.decode(chunk, { stream: true }).split("\n");
    this.#parts.push(first);
    const rest = others.pop();
    if (rest === undefined) return [];
    const lines = [this.#parts.join(""), ...others];
    this.#parts = [rest];
    return lines;
  }
}

/**
 * Takes what an engine says on `socket` into `zone`. `changed` is called after each batch. A line that is none ends the
 * connection: the engine connects again and tells everything.
 */
export function serveControl(socket: Socket, zone: Zone, changed: () => void): void {
  const lines = new LineReader();
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    let taken: number | undefined;
    try {
      for (const text of lines.push(chunk)) {
        const line = JSON.parse(text) as ControlLine;
        if (line.op === "state") zone.replace(line.state);
        else zone.apply(line);
        taken = line.sequence;
      }
    } catch {
      socket.destroy();
    }
    if (taken === undefined) return;
    changed();
    if (!socket.destroyed) socket.write(`{"taken":${taken}}\n`);
  });
}
