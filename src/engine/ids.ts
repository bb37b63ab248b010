/**
 * The engine's own identity, made once and kept.
 * @module
 */
import { randomUUID } from "node:crypto";
import type { StateDatabase } from "./database.ts";

/** The ID that `info` shows. */
export function engineId(database: StateDatabase): string {
  const known = database.setting("engine-id");
  if (known !== undefined) return known;
  const id = randomUUID();
  database.setSetting("engine-id", id);
  return id;
}
