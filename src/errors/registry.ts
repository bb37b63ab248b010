/**
 * The closed registry of errors. Every failure that a person or a client can see is defined here once: its code, what
 * its text is made from, the HTTP status that the API answers with, the exit code of the command line, and the text.
 * Where Docker has a text for the case, the text is Docker's to the letter, because clients match it.
 * @module
 */

/** What each error's text is made from. */
export interface ErrorParams {
  // Requests
  "invalid-parameter": { message: string };
  "page-not-found": object;
  "client-too-old": { version: string; minimum: string };
  "client-too-new": { version: string; maximum: string };
  "invalid-filter": { name?: string };
  "not-implemented": { what: string };
  experimental: object;
  "not-modified": object;
  conflict: { message: string };
  unauthorized: { message: string };
  forbidden: { message: string };
  "not-found": { message: string };
  unavailable: { message: string };
  internal: { message: string };
  "no-space": { doing: string };
  // Containers
  "no-such-container": { name: string };
  "name-in-use": { name: string; id: string };
  "container-not-running": { id: string };
  "no-such-exec": { id: string };
  "logs-unreadable": object;
  "start-failed": { text: string };
  "not-executable": { text: string };
  "executable-not-found": { text: string };
  // Images
  "no-such-image": { reference: string };
  "invalid-reference": { reference: string; text?: string };
  "digest-mismatch": { what: string; expected: string; actual: string };
  "bad-archive": { what: string; reason: string };
  "registry-unreachable": { url: string; reason: string };
  "registry-denied": { repository: string; reason?: string };
  "registry-refused": { message: string };
  "manifest-unknown": { reference: string };
  "bad-manifest": { reference: string; reason: string };
  "no-matching-manifest": { platform: string };
  // Volumes
  "no-such-volume": { name: string };
  // Networks
  "no-such-network": { name: string };
  "port-allocated": { address: string; port: string };
  "ports-exhausted": Record<never, never>;
  "no-connectivity": { endpoint: string; id: string; reason: string };
  // The kernel
  kernel: { doing: string; call: string; errno: string; explanation: string; index: number };
  "executor-lost": { doing: string; reason: string };
  "missing-program": { program: string; purpose: string; package: string };
  "missing-controller": { limit: string; controller: string };
  "firewall-refused": { doing: string; program: string; reason: string };
  "systemd-unreachable": { socket: string; reason: string };
  "systemd-refused": { call: string; reason: string };
  // The command line
  usage: { message: string };
  "command-failed": { message: string };
  "bad-template": { message: string };
  "no-engine": { host: string; reason: string };
}

export type ErrorCode = keyof ErrorParams;

interface Definition<P> {
  /** HTTP status of the Engine API's answer. */
  readonly status: number;
  /** Exit code of `caisson` when this error ends the command: 125 engine, 126 not executable, 127 not found. */
  readonly exit: number;
  readonly text: (params: P) => string;
}

type Registry = { readonly [C in ErrorCode]: Definition<ErrorParams[C]> };

const message = (p: { message: string }): string => p.message;
const verbatim = (p: { text: string }): string => p.text;

export const registry: Registry = {
  "invalid-parameter": { status: 400, exit: 125, text: message },
  "page-not-found": { status: 404, exit: 125, text: () => "page not found" },
  "client-too-old": {
    status: 400,
    exit: 125,
    text: (p) =>
      `client version ${p.version} is too old. Minimum supported API version is ${p.minimum}, please upgrade your client to a newer version`,
  },
  "client-too-new": {
    status: 400,
    exit: 125,
    text: (p) => `client version ${p.version} is too new. Maximum supported API version is ${p.maximum}`,
  },
  "invalid-filter": {
    status: 400,
    exit: 125,
    text: (p) => (p.name === undefined ? "invalid filter" : `invalid filter '${p.name}'`),
  },
  "not-implemented": {
    status: 501,
    exit: 125,
    text: (p) => `${p.what} is not supported by this version of caisson`,
  },
  experimental: {
    status: 501,
    exit: 125,
    text: () =>
      "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
  },
  "not-modified": { status: 304, exit: 0, text: () => "" },
  conflict: { status: 409, exit: 125, text: message },
  unauthorized: { status: 401, exit: 125, text: message },
  forbidden: { status: 403, exit: 125, text: message },
  "not-found": { status: 404, exit: 125, text: message },
  unavailable: { status: 503, exit: 125, text: message },
  internal: { status: 500, exit: 125, text: message },
  "no-space": { status: 500, exit: 125, text: (p) => `${p.doing}: no space left on device` },

  "no-such-container": { status: 404, exit: 125, text: (p) => `No such container: ${p.name}` },
  "name-in-use": {
    status: 409,
    exit: 125,
    text: (p) =>
      `Conflict. The container name "/${p.name}" is already in use by container "${p.id}". You have to remove (or rename) that container to be able to reuse that name.`,
  },
  "container-not-running": { status: 409, exit: 125, text: (p) => `container ${p.id} is not running` },
  "no-such-exec": { status: 404, exit: 125, text: (p) => `No such exec instance: ${p.id}` },
  "logs-unreadable": {
    status: 501,
    exit: 125,
    text: () => "configured logging driver does not support reading",
  },
  "start-failed": { status: 400, exit: 128, text: verbatim },
  "not-executable": { status: 400, exit: 126, text: verbatim },
  "executable-not-found": { status: 400, exit: 127, text: verbatim },

  "no-such-image": { status: 404, exit: 125, text: (p) => `No such image: ${p.reference}` },
  "invalid-reference": { status: 400, exit: 125, text: (p) => p.text ?? "invalid reference format" },
  "digest-mismatch": {
    status: 500,
    exit: 125,
    text: (p) => `${p.what}: content has digest ${p.actual} but ${p.expected} was expected`,
  },
  "bad-archive": { status: 400, exit: 125, text: (p) => `${p.what}: ${p.reason}` },
  "registry-unreachable": { status: 500, exit: 125, text: (p) => `Get "${p.url}": ${p.reason}` },
  "registry-denied": {
    status: 404,
    exit: 125,
    text: (p) =>
      `pull access denied for ${p.repository}, repository does not exist or may require 'docker login'${p.reason === undefined ? "" : `: ${p.reason}`}`,
  },
  /** The registry's own words: `toomanyrequests: You have reached your pull rate limit`. */
  "registry-refused": { status: 500, exit: 125, text: message },
  "manifest-unknown": {
    status: 404,
    exit: 125,
    text: (p) => `manifest for ${p.reference} not found: manifest unknown: manifest unknown`,
  },
  "bad-manifest": { status: 500, exit: 125, text: (p) => `invalid manifest for ${p.reference}: ${p.reason}` },
  "no-matching-manifest": {
    status: 404,
    exit: 125,
    text: (p) =>
      `no matching manifest for ${p.platform} in the manifest list entries: no match for platform in manifest: not found`,
  },

  "no-such-volume": { status: 404, exit: 125, text: (p) => `get ${p.name}: no such volume` },

  "no-such-network": { status: 404, exit: 125, text: (p) => `network ${p.name} not found` },
  /** `address` is of whoever has it. */
  "port-allocated": {
    status: 500,
    exit: 125,
    text: (p) => `Bind for ${p.address}:${p.port} failed: port is already allocated`,
  },
  /** Of those among which one may be picked. */
  "ports-exhausted": { status: 500, exit: 125, text: () => "all ports are allocated" },
  /** `endpoint` is the container's name. */
  "no-connectivity": {
    status: 500,
    exit: 125,
    text: (p) =>
      `driver failed programming external connectivity on endpoint ${p.endpoint} (${p.id}): ${p.reason}`,
  },

  /** `doing` is the operation's label, `call` the system call as printed, `errno` its symbolic name. */
  kernel: {
    status: 500,
    exit: 128,
    text: (p) => `${p.doing}: ${p.call}: ${p.errno} (${p.explanation}) [step ${p.index}]`,
  },
  "executor-lost": { status: 500, exit: 125, text: (p) => `${p.doing}: the executor ${p.reason}` },
  "missing-program": {
    status: 500,
    exit: 125,
    text: (p) =>
      `${p.program} is needed to ${p.purpose} but is not installed: install the package ${p.package}`,
  },
  /** `reason` is what the program (nft, iptables) said. */
  "firewall-refused": {
    status: 500,
    exit: 125,
    text: (p) => `${p.doing}: ${p.program}: ${p.reason}`,
  },
  "missing-controller": {
    status: 400,
    exit: 125,
    text: (p) => `cannot set ${p.limit}: this host has no cgroup controller ${p.controller}`,
  },
  "systemd-unreachable": {
    status: 500,
    exit: 125,
    text: (p) => `connect to systemd at ${p.socket}: ${p.reason}`,
  },
  /** `call` is the D-Bus method: `StartTransientUnit`. */
  "systemd-refused": { status: 500, exit: 125, text: (p) => `systemd: ${p.call}: ${p.reason}` },

  usage: { status: 400, exit: 125, text: message },
  "command-failed": { status: 500, exit: 1, text: message },
  "bad-template": { status: 400, exit: 64, text: message },
  "no-engine": {
    status: 503,
    exit: 125,
    text: (p) => `Cannot connect to the caisson engine at ${p.host}: ${p.reason}. Is the engine running?`,
  },
};
