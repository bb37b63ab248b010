/**
 * One probe of a container's healthcheck: an exec that the engine itself reads and, when its time is over, kills.
 * @module
 */
import type { Duplex } from "node:stream";
import { messageOf } from "../errors/mod.ts";
import type { Container } from "./container-store.ts";
import type { Probe } from "./exec.ts";
import type { ProbeResult } from "./healthcheck.ts";
import type { Services } from "./services.ts";
import { formatTime, goDuration, now } from "./time.ts";

/** Bytes of a probe's output that are kept. */
const outputLimit = 4096;
/** Bytes before each piece of output: the stream, nothing, the length. */
const header = 8;

/** Reads frames to their end; keeps the first bytes of what is in them, and reads all. */
export class ProbeOutput {
  readonly #kept: Buffer[] = [];
  #size = 0;
  #cut = false;
  #pending: Buffer = Buffer.alloc(0);
  /** Bytes of the present frame that are still to come. */
  #left = 0;

  take(chunk: Buffer): void {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (rest.length > 0) {
      if (this.#left === 0) {
        if (rest.length < header) break;
        this.#left = rest.readUInt32BE(4);
        rest = rest.subarray(header);
        continue;
      }
      const part = rest.subarray(0, this.#left);
      this.#left -= part.length;
      rest = rest.subarray(part.length);
      this.#keep(part);
    }
    this.#pending = Buffer.from(rest);
  }

  #keep(part: Buffer): void {
    const room = part.subarray(0, outputLimit - this.#size);
    this.#size += room.length;
    this.#cut ||= room.length < part.length;
    if (room.length > 0) this.#kept.push(Buffer.from(room));
  }

  /** What was kept, with three dots where it isn't all. */
  get text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#kept)) + (this.#cut ? "..." : "");
  }
}

/** Resolves to true when `ended` does, to false after `nanoseconds` or when `signal` fires. */
async function endsWithin(ended: Promise<void>, nanoseconds: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const over = (): void => resolve(false);
  const timer = setTimeout(over, Math.min(nanoseconds / 1e6, 2 ** 31 - 1));
  signal.addEventListener("abort", over);
  void ended.then(() => resolve(true));
  if (signal.aborted) over();
  const result = await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", over);
  return result;
}

/** Reads what a probe writes until it has ended; `text` has what came so far. */
function readOutput(stream: Duplex): ProbeOutput {
  const output = new ProbeOutput();
  stream.on("data", (chunk: Buffer) => output.take(chunk));
  stream.on("error", () => undefined);
  stream.end();
  return output;
}

/**
 * Runs a probe to its end, which comes after `timeout` nanoseconds or when `signal` fires at the latest. Never throws: what
 * can't be run is a failed probe, as with Docker.
 */
export async function runProbe(
  services: Services,
  start: () => Promise<Probe>,
  container: Container,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<ProbeResult> {
  const Start = formatTime(now());
  const end = (ExitCode: number, Output: string): ProbeResult => ({
    Start,
    End: formatTime(now()),
    ExitCode,
    Output,
  });
  try {
    const probe = await start();
    const output = readOutput(probe.stream);
    if (await endsWithin(probe.ended, timeout, signal)) return end(probe.exitCode(), output.text);
    await probe.kill();
    await probe.ended;
    const said = output.text === "" ? "" : `: ${output.text}`;
    return end(-1, `Health check exceeded timeout (${goDuration(timeout)})${said}`);
  } catch (error) {
    services.log.warn(`health check of container ${container.id}: ${messageOf(error)}`);
    return end(-1, messageOf(error));
  }
}
