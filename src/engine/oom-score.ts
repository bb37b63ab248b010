/**
 * Whom the kernel kills first when the host has no memory left: containers, then who looks after them.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { messageOf } from "../errors/mod.ts";
import type { EngineLog } from "./services.ts";

/** What Docker's own unit gives dockerd (OOMScoreAdjust). Executors, shims, proxies and the resolver inherit it. */
const protectedScore = -500;

/**
 * Has the kernel spare this process, unless somebody has said already how much: a unit's `OOMScoreAdjust=` below 0 stays.
 * Containers get their own score. A host that doesn't allow it is no error.
 */
export function protectFromOom(log: Pick<EngineLog, "debug">, path = "/proc/self/oom_score_adj"): void {
  try {
    if (Number(readFileSync(path, "utf8")) < 0) return;
    writeFileSync(path, String(protectedScore));
  } catch (error) {
    log.debug(`ask to be spared when memory is short: ${messageOf(error)}`);
  }
}
