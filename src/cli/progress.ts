/**
 * Progress of pull, load and import as docker shows it: bars that move on a terminal, plain lines elsewhere
 * (moby's jsonmessage).
 * @module
 */
import type { ProgressMessage } from "../client/mod.ts";
import { commandFailed } from "./failure-text.ts";
import type { Output } from "./output.ts";
import { humanSize } from "./units.ts";

/** What is not a terminal is this wide. */
const defaultWidth = 200;
const barWidth = 110;
const timeWidth = 50;

/** Where progress goes, and how wide it may be there. */
export interface ProgressTarget {
  readonly output: Pick<Output, "text" | "terminal">;
  /** Columns of the terminal. */
  readonly width?: number;
  /** Takes what isn't progress. */
  readonly aux?: (value: unknown) => void;
  /** Milliseconds since the epoch, for the time that is left. */
  readonly now?: () => number;
}

/**
 * Prints messages as they come.
 * @throws command-failed with the engine's text when a message reports an error
 */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  target: ProgressTarget,
): Promise<void> {
  const board = new Board(target);
  for await (const message of messages) board.show(message);
}

class Board {
  readonly #target: ProgressTarget;
  #lines = new Map<string, number>();

  constructor(target: ProgressTarget) {
    this.#target = target;
  }

  show(message: ProgressMessage): void {
    if (message.aux !== undefined && message.aux !== null) {
      this.#target.aux?.(message.aux);
      return;
    }
    const { text, terminal } = this.#target.output;
    const id = message.id ?? "";
    let up = 0;
    if (id !== "" && (message.progressDetail !== undefined || (message.progress ?? "") !== "")) {
      const line = this.#lines.get(id) ?? this.#lines.size;
      if (!this.#lines.has(id)) {
        this.#lines.set(id, line);
        if (terminal) text("\n");
      }
      up = this.#lines.size - line;
      if (terminal && up > 0) text(`\u001b[${up}A`);
    } else this.#lines = new Map();
    const problem = message.errorDetail?.message ?? message.error;
    if (problem === undefined) text(this.#line(message));
    if (id !== "" && terminal && up > 0) text(`\u001b[${up}B`);
    if (problem !== undefined) throw commandFailed(problem);
  }

  #line(message: ProgressMessage): string {
    const { terminal } = this.#target.output;
    const detail = message.progressDetail;
    const bar =
      detail === undefined ? "" : progressBar(detail, this.#target.width ?? defaultWidth, this.#target.now);
    const moving = terminal && (message.stream ?? "") === "" && detail !== undefined;
    if (!moving && detail !== undefined && bar !== "") return "";
    const end = moving ? "\r" : "";
    const prefix =
      (moving ? "\u001b[2K\r" : "") +
      ((message.id ?? "") === "" ? "" : `${message.id}: `) +
      ((message.from ?? "") === "" ? "" : `(from ${message.from}) `);
    const status = message.status ?? "";
    if (detail !== undefined && terminal) return `${prefix}${status} ${bar}${end}`;
    if ((message.progress ?? "") !== "") return `${prefix}${status} ${message.progress}${end}`;
    if ((message.stream ?? "") !== "") return `${prefix}${message.stream}${end}`;
    return `${prefix}${status}${end}\n`;
  }
}

/** The bar, the numbers and the time that is left; empty when nothing is known. */
export function progressBar(
  detail: NonNullable<ProgressMessage["progressDetail"]>,
  width: number,
  now: () => number = Date.now,
): string {
  const current = detail.current ?? 0;
  const total = detail.total ?? 0;
  const units = detail.units ?? "";
  if (current <= 0 && total <= 0) return "";
  if (total <= 0) return units === "" ? humanSize(current).padStart(8) : `${current} ${units}`;
  const half = Math.min(50, Math.trunc(Math.trunc((current / total) * 100) / 2));
  const box = width > barWidth ? `[${"=".repeat(half)}>${" ".repeat(50 - half)}] ` : "";
  return (
    box + numbers(current, total, units, detail.hidecounts === true) + timeLeft(detail, half, width, now)
  );
}

function numbers(current: number, total: number, units: string, hidden: boolean): string {
  if (hidden) return "";
  const over = current > total;
  if (units === "") {
    const done = humanSize(current).padStart(8);
    return over ? done : `${done}/${humanSize(total)}`;
  }
  return over ? `${current} ${units}` : `${current}/${total} ${units}`;
}

function timeLeft(
  detail: NonNullable<ProgressMessage["progressDetail"]>,
  half: number,
  width: number,
  now: () => number,
): string {
  const { current = 0, total = 0, start = 0 } = detail;
  if (width <= timeWidth || current <= 0 || start <= 0 || half >= 50) return "";
  const perEntry = (now() / 1000 - start) / current;
  return ` ${goSeconds(Math.round((total - current) * perEntry))}`;
}

/** Whole seconds as Go prints a duration: `1m30s`. */
function goSeconds(seconds: number): string {
  const h = Math.trunc(seconds / 3600);
  const m = Math.trunc((seconds % 3600) / 60);
  const s = seconds % 60;
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}
