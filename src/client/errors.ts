/**
 * The engine's refusals as errors: the server's own message and status, under the nearest code of the registry.
 * @module
 */
import { CaissonError, type ErrorCode } from "../errors/mod.ts";

const codeOf: Readonly<Record<number, ErrorCode>> = {
  304: "not-modified",
  400: "invalid-parameter",
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  501: "not-implemented",
  503: "unavailable",
};

/** An answer of the engine that is not a success. `message` is the engine's own text, to the letter. */
export class ServerError extends CaissonError {
  /** The HTTP status that the engine answered with. */
  override readonly status: number;

  constructor(status: number, message: string) {
    super(codeOf[status] ?? "internal", message);
    this.status = status;
  }
}

/** The error of an answer with `status` and `body`: `{"message":"…"}`, or whatever text stands there. */
export function serverError(status: number, reason: string, body: string): ServerError {
  return new ServerError(status, messageIn(body) ?? `request returned ${reason} for API route`);
}

function messageIn(body: string): string | undefined {
  const text = body.trim();
  if (text === "") return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) {
      return typeof parsed.message === "string" ? parsed.message : text;
    }
  } catch {
    // Engines before API 1.24 and proxies answer in plain text.
  }
  return text;
}
