/**
 * Who this engine is: made once, kept in its database.
 * @module
 */
import { randomUUID } from "node:crypto";
import type { StateDatabase } from "./database.ts";

/** The engine's id; a new one is written down. */
export function engineId(database: StateDatabase): string {
  const known = database.setting("engine.id");
  const id = known ?? randomUUID();
  if (known === undefined) database.setSetting("engine.id", id);
  return id;
}
