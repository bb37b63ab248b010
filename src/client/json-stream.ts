/**
 * Streams of JSON values, one after the other: progress of pull and load, events, stats.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** What pull, load, import and push report while they work. */
export interface ProgressMessage {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progress?: string;
  readonly progressDetail?: {
    readonly current?: number;
    readonly total?: number;
    readonly start?: number;
    readonly hidecounts?: boolean;
    readonly units?: string;
  };
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message?: string };
  readonly aux?: unknown;
  readonly time?: number;
  readonly timeNano?: number;
  readonly from?: string;
}

/** The values of a stream of JSON values, see {@link jsonTexts}. @throws unavailable when one of them is none */
export async function* jsonValues<T>(source: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const text of jsonTexts(source)) yield parse<T>(text);
}

/** The texts of a stream of JSON values that are separated by line ends or by nothing (`{…}{…}`). */
export async function* jsonTexts(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const piece of source) {
    pending += decoder.decode(piece, { stream: true });
    for (let end = endOfObject(pending); end > 0; end = endOfObject(pending)) {
      yield pending.slice(0, end);
      pending = pending.slice(end).trimStart();
    }
  }
  if (pending.trim() !== "") yield pending;
}

function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw failure("unavailable", { message: `the engine's stream is not JSON: ${text.slice(0, 80)}` }, error);
  }
}

/** The length of the first whole object or list in `text`, or 0. */
function endOfObject(text: string): number {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === "\\") i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === "{" || c === "[") depth++;
    else if ((c === "}" || c === "]") && --depth === 0) return i + 1;
  }
  return 0;
}
