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

/** What the process does about what an engine says. */
export interface ControlHooks {
  /** This resolver's. */
  readonly version: string;
  /** An engine of another version is there, and will start a resolver of its own. */
  leave(): void;
  /** The zone has changed. */
  changed(): void;
}

/**
 * Takes what an engine says on `socket` into `zone`. A line that is none ends the connection: the engine connects again and
 * tells everything.
 */
export function serveControl(socket: Socket, zone: Zone, hooks: ControlHooks): void {
  const lines = new LineReader();
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    let taken: number | undefined;
    try {
      for (const text of lines.push(chunk)) {
        const line = JSON.parse(text) as ControlLine;
        if (line.op !== "state") zone.apply(line);
        else if (line.version === hooks.version) zone.replace(line.state);
        else return hooks.leave();
        taken = line.sequence;
      }
    } catch {
      socket.destroy();
    }
    if (taken === undefined) return;
    hooks.changed();
    if (!socket.destroyed) socket.write(`{"taken":${taken}}\n`);
  });
}
