/**
 * The one place where what was thrown becomes an answer.
 * @module
 */
import type { Engine } from "../engine/mod.ts";
import { CaissonError, isFailure, messageOf } from "../errors/mod.ts";
import type { Log } from "./log.ts";

/** An error as a client sees it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
  /** Which of the engine's headers go with it: none for an unknown page, and not all before the version is checked. */
  readonly headers: "none" | "unversioned" | "all";
  /** Versions before 1.24 can't be relied on to read JSON: too old is told in plain text. */
  readonly plain: boolean;
}

/**
 * The answer to an error. Those of the registry carry theirs; anything else is a defect: 500 with its own message, and
 * its stack and cause in the log. `doing` names the request there.
 */
export function answerOf(error: unknown, doing: string, log: Log, engine?: ToldBy): ErrorAnswer {
  const answer = judged(error, doing, log);
  return { ...answer, message: withAdvice(answer.message, engine) };
}

/** Who knows what is full. */
export type ToldBy = { readonly system: Pick<Engine["system"], "shortage"> };

/** The kernel says neither what is full nor what to do about it. */
function withAdvice(message: string, engine: ToldBy | undefined): string {
  if (engine === undefined || !message.includes("no space left on device")) return message;
  let shortage: string | undefined;
  try {
    shortage = engine.system.shortage();
  } catch {
    // A policy that doesn't tell.
  }
  if (shortage === undefined) return message;
  return `${message}: ${shortage}: remove what is not needed (docker system prune)`;
}

function judged(error: unknown, doing: string, log: Log): ErrorAnswer {
  if (error instanceof CaissonError) {
    if (error.status === 500) log.error(error.message, { request: doing, error });
    else log.debug(error.message, { request: doing });
    return {
      status: error.status,
      message: error.message,
      headers: isFailure(error, "page-not-found") ? "none" : unversioned(error) ? "unversioned" : "all",
      plain: isFailure(error, "client-too-old"),
    };
  }
  log.error("unexpected error in a request", { request: doing, error });
  return { status: 500, message: messageOf(error), headers: "all", plain: false };
}

function unversioned(error: CaissonError): boolean {
  return error.code === "client-too-old" || error.code === "client-too-new";
}
