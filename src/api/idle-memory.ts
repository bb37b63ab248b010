/**
 * Memory that is given back once there is nothing to do: code that was compiled, garbage, pages of the executable. What the
 * next start needs of it is practised at once, so that nobody waits for it. See docs/decisions/memory.md.
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Engine } from "../engine/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { warmUp, type Surroundings } from "./warm-up.ts";

/** Milliseconds between two looks. */
const interval = 2000;
/** Milliseconds with little to do after which there is nothing to do. */
const calm = 10_000;
/** Little is so much of a processor. */
const little = 0.02;
/** Bytes that must have come since the last time: less isn't worth it. */
const worthwhile = 16 << 20;
/** Milliseconds in which the JavaScript engine gives back. */
const settle = 2000;
/** Starts that are practised then, to have their code and its pages again. */
const again = 4;

/** What a process uses, at a moment. */
export interface Use {
  /** Milliseconds since any moment. */
  readonly at: number;
  /** Milliseconds of processors since its start. */
  readonly processor: number;
  /** Bytes that are resident. */
  readonly resident: number;
}

/** Says when it is time to give back. */
export class Idleness {
  #last: Use | undefined;
  #since = 0;
  /** What was left the last time. */
  #left = -Infinity;

  /** Whether there was little to do for long, and enough memory to give back. */
  isDue(now: Use): boolean {
    const last = this.#last;
    this.#last = now;
    const busy = last === undefined || now.processor - last.processor > (now.at - last.at) * little;
    if (busy) this.#since = now.at;
    return now.at - this.#since >= calm && now.resident - this.#left >= worthwhile;
  }

  /** It was given back, and so much is resident still. */
  gaveBack(resident: number): void {
    this.#left = resident;
    this.#last = undefined;
  }
}

function useNow(): Use {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), processor: (user + system) / 1000, resident: process.memoryUsage.rss() };
}

/** Gives back whenever it is due, until the daemon ends. */
export async function giveBackWhenIdle(engine: Engine, surroundings: Surroundings): Promise<void> {
  const { ending, log } = surroundings;
  const idleness = new Idleness();
  let pagesOut = false;
  for (;;) {
    await pause(interval, undefined, { ref: false });
    if (ending.aborted) return;
    if (!idleness.isDue(useNow())) continue;
    // It does so once this turn of the event loop is over, in some tens of milliseconds.
    Bun.shrink();
    await pause(settle, undefined, { ref: false });
    if (ending.aborted) return;
    // A client that only waits for events is no reason not to practise.
    const rehearse = (): Promise<void> => warmUp(engine, { ...surroundings, busy: () => false }, again);
    // The pages that come later would come again: once is enough.
    if (pagesOut || engine.pageOut === undefined) await rehearse();
    else await engine.pageOut(rehearse).catch((error: unknown) => log.debug(messageOf(error), { error }));
    pagesOut = true;
    // What practising left.
    Bun.gc(true);
    await pause(settle, undefined, { ref: false });
    const { resident } = useNow();
    log.debug("gave memory back", { resident });
    idleness.gaveBack(resident);
  }
}
