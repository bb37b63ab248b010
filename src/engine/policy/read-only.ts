/**
 * The policy `read-only`: nothing is changed, nothing is entered.
 * @module
 */
import type { Engine } from "../engine.ts";
import { layer } from "./layer.ts";

/** The engine for those who only look. */
export function readOnly(engine: Engine): Engine {
  return layer(engine, "read-only", {
    containers: {
      list: "pass",
      inspect: "pass",
      wait: "pass",
      top: "pass",
      stats: "pass",
      logs: "pass",
      explain: "pass",
    },
    execs: { inspect: "pass" },
    files: { stat: "pass", changes: "pass" },
    images: {
      search: "pass",
      distribution: "pass",
      list: "pass",
      inspect: "pass",
      history: "pass",
      save: "pass",
    },
    volumes: { list: "pass", inspect: "pass" },
    networks: { list: "pass", inspect: "pass" },
    events: { subscribe: "pass" },
    system: { info: "pass", version: "pass", df: "pass", shortage: "pass" },
  });
}
