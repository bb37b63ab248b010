/**
 * The closed registry of errors. Every failure that a person or a client can see is defined here once: its code,
 * the HTTP status that the API answers with, the exit code of the command line, and the text. Where Docker has a
 * text for the case, the text is Docker's to the letter, because clients match it.
 * @module
 */

interface Definition<P> {
  /** HTTP status of the Engine API's answer. */
  readonly status: number;
  /** Exit code of `caisson` when this error ends the command (125 engine, 126 not executable, 127 not found). */
  readonly exit: number;
  readonly text: (params: P) => string;
}

function define<P>(status: number, exit: number, text: (params: P) => string): Definition<P> {
  return { status, exit, text };
}

export const registry = {
  // Requests
  "invalid-parameter": define(400, 125, (p: { message: string }) => p.message),
  "page-not-found": define(404, 125, (_: object) => "page not found"),
  "client-too-old": define(
    400,
    125,
    (p: { version: string; minimum: string }) =>
      `client version ${p.version} is too old. Minimum supported API version is ${p.minimum}, please upgrade your client to a newer version`,
  ),
  "client-too-new": define(
    400,
    125,
    (p: { version: string; maximum: string }) =>
      `client version ${p.version} is too new. Maximum supported API version is ${p.maximum}`,
  ),
  "invalid-filter": define(400, 125, (p: { name?: string; values?: string }) =>
    p.name === undefined
      ? "invalid filter"
      : p.values === undefined
        ? `invalid filter '${p.name}'`
        : `invalid filter '${p.name}=${p.values}'`,
  ),
  "not-implemented": define(
    501,
    125,
    (p: { what: string }) => `${p.what} is not supported by this version of caisson`,
  ),
  "not-modified": define(304, 0, (_: object) => ""),
  conflict: define(409, 125, (p: { message: string }) => p.message),
  unauthorized: define(401, 125, (p: { message: string }) => p.message),
  forbidden: define(403, 125, (p: { message: string }) => p.message),
  "not-found": define(404, 125, (p: { message: string }) => p.message),
  unavailable: define(503, 125, (p: { message: string }) => p.message),
  internal: define(500, 125, (p: { message: string }) => p.message),

  // Containers
  "no-such-container": define(404, 125, (p: { name: string }) => `No such container: ${p.name}`),
  "ambiguous-container": define(
    400,
    125,
    (p: { name: string }) => `multiple IDs found with provided prefix: ${p.name}`,
  ),
  "name-in-use": define(
    409,
    125,
    (p: { name: string; id: string }) =>
      `Conflict. The container name "/${p.name}" is already in use by container "${p.id}". You have to remove (or rename) that container to be able to reuse that name.`,
  ),
  "container-not-running": define(409, 125, (p: { id: string }) => `container ${p.id} is not running`),
  "no-such-exec": define(404, 125, (p: { id: string }) => `No such exec instance: ${p.id}`),
  /** A step of a container's program failed before its process ran. `text` has Docker's wording of the cause. */
  "start-failed": define(400, 128, (p: { text: string }) => p.text),
  "not-executable": define(400, 126, (p: { text: string }) => p.text),
  "executable-not-found": define(400, 127, (p: { text: string }) => p.text),

  // Images
  "no-such-image": define(404, 125, (p: { reference: string }) => `No such image: ${p.reference}`),
  "invalid-reference": define(400, 125, (_: { reference: string }) => "invalid reference format"),
  "digest-mismatch": define(
    500,
    125,
    (p: { expected: string; actual: string; what: string }) =>
      `${p.what}: content has digest ${p.actual} but ${p.expected} was expected`,
  ),
  "bad-archive": define(400, 125, (p: { what: string; reason: string }) => `${p.what}: ${p.reason}`),
  "registry-unreachable": define(
    500,
    125,
    (p: { url: string; reason: string }) => `Get "${p.url}": ${p.reason}`,
  ),
  "registry-denied": define(
    404,
    125,
    (p: { repository: string }) =>
      `pull access denied for ${p.repository}, repository does not exist or may require 'docker login'`,
  ),
  "manifest-unknown": define(
    404,
    125,
    (p: { reference: string }) => `manifest for ${p.reference} not found: manifest unknown: manifest unknown`,
  ),

  // Volumes
  "no-such-volume": define(404, 125, (p: { name: string }) => `get ${p.name}: no such volume`),

  // The kernel
  /** `doing` is the operation's label, `call` the system call as printed, `errno` its symbolic name. */
  kernel: define(
    500,
    128,
    (p: { doing: string; call: string; errno: string; explanation: string; index: number }) =>
      `${p.doing}: ${p.call}: ${p.errno} (${p.explanation}) [step ${p.index}]`,
  ),
  "executor-lost": define(
    500,
    125,
    (p: { doing: string; reason: string }) => `${p.doing}: the executor ${p.reason}`,
  ),
  "missing-program": define(
    500,
    125,
    (p: { program: string; purpose: string; package: string }) =>
      `${p.program} is needed to ${p.purpose} but is not installed: install the package ${p.package}`,
  ),

  // The command line
  usage: define(400, 125, (p: { message: string }) => p.message),
  "no-engine": define(
    503,
    125,
    (p: { host: string; reason: string }) =>
      `Cannot connect to the caisson engine at ${p.host}: ${p.reason}. Is the engine running?`,
  ),
} as const;

export type ErrorCode = keyof typeof registry;
