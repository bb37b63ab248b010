/**
 * A registry's "no": the error document of the distribution spec ("Error Codes"), turned into the error that Docker
 * would print.
 * @module
 */
import { failure, type CaissonError } from "../../errors/mod.ts";
import type { Answer } from "./answer.ts";
import { statusFailure } from "./failures.ts";
import { familiarName, familiarReference } from "../reference.ts";
import type { RegistryReference } from "./types.ts";

/** An entry of the document `{"errors": [{code, message}]}`; texts made fit for a terminal. */
export interface RegistryError {
  /** In upper case: `MANIFEST_UNKNOWN`, `DENIED`, … */
  readonly code: string;
  readonly message: string;
}

const documentLimit = 64 * 1024;

/**
 * The error for an answer whose status isn't a success: `manifest-unknown`, `registry-denied`, `not-found`,
 * `registry-refused`, or `registry-unreachable` (which may be transient) for the server's own trouble. Reads the body.
 */
export async function refusalOf(answer: Answer, reference: RegistryReference): Promise<CaissonError> {
  const { status, url, headers } = answer;
  const error = await readError(answer);
  const text = error === undefined ? undefined : spoken(error);
  if (status === 429 || status >= 500) {
    const trouble = statusFailure(url, status, headers.get("retry-after"));
    return text === undefined ? trouble : failure("registry-refused", { message: text }, trouble);
  }
  const repository = familiarName(reference);
  if (error?.code === "NAME_UNKNOWN")
    return failure("not-found", { message: `repository ${repository} not found: ${text ?? ""}` });
  if (error?.code === "MANIFEST_UNKNOWN" || error?.code === "MANIFEST_BLOB_UNKNOWN" || status === 404)
    return failure("manifest-unknown", { reference: familiarReference(reference) });
  if (status === 401 || status === 403 || error?.code === "DENIED")
    return failure("registry-denied", { repository, reason: text ?? defaultReason(status) });
  if (text !== undefined) return failure("registry-refused", { message: text });
  return statusFailure(url, status, null);
}

/** The error for an answer to a push whose status isn't a success. Docker tells the registry's own words. */
export async function pushRefusalOf(answer: Answer): Promise<CaissonError> {
  const { status, url, headers } = answer;
  const error = await readError(answer);
  const trouble = statusFailure(url, status, headers.get("retry-after"));
  if (error !== undefined && (error.code !== "" || error.message !== ""))
    return failure("registry-refused", { message: spoken(error) }, trouble);
  if (status !== 401 && status !== 403) return trouble;
  return failure("registry-refused", { message: defaultReason(status) }, trouble);
}

function defaultReason(status: number): string {
  return status === 401
    ? "unauthorized: authentication required"
    : "denied: requested access to the resource is denied";
}

/** The first error of the answer's document, if it has one. Also takes `{"details": …}` of token servers. */
async function readError(answer: Answer): Promise<RegistryError | undefined> {
  const bytes = await answer.bytes(documentLimit).catch(() => undefined);
  if (bytes === undefined) return undefined;
  try {
    return parseError(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

function parseError(document: unknown): RegistryError | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  if ("errors" in document && Array.isArray(document.errors)) {
    const [first]: unknown[] = document.errors;
    if (typeof first !== "object" || first === null) return undefined;
    const code = "code" in first ? printable(first.code) : "";
    return { code: code.toUpperCase(), message: "message" in first ? printable(first.message) : "" };
  }
  if ("details" in document) return { code: "UNAUTHORIZED", message: printable(document.details) };
  return undefined;
}

/** Go's form of an error code: `manifest unknown: manifest unknown`. */
function spoken({ code, message }: RegistryError): string {
  const name = code.toLowerCase().replaceAll("_", " ");
  return [name, message].filter((part) => part !== "").join(": ");
}

/** A stranger's text without control characters, which could drive a terminal, and not longer than a paragraph. */
function printable(text: unknown): string {
  return typeof text === "string" ? text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 512) : "";
}
