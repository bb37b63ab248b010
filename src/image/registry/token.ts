/**
 * Who we are towards a registry: answers to its challenges (distribution spec, "Token Authentication" and "OAuth2
 * Token Authentication"). Credentials go to the registry itself and to the token server that it named over a channel
 * nobody could tamper with; never further.
 * @module
 */
import { failure, type CaissonError } from "../../errors/mod.ts";
import type { Answer } from "./answer.ts";
import type { Challenge } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import { refusedFailure, statusFailure } from "./failures.ts";
import type { Transport } from "./transport.ts";
import type { Credentials } from "./types.ts";

const answerLimit = 1024 * 1024;
/** The spec: a token without `expires_in` lives 60 s, and clients may assume no less. */
const shortestLife = 60_000;
/** A token is renewed so long before its end that a request made now still passes. */
const leeway = 10_000;
const clientId = "caisson";

interface Token {
  readonly value: Promise<string>;
  /** Milliseconds of `performance.now()`; infinite until the answer is there. */
  expires: number;
}

/** Answers the challenges of one endpoint with one set of credentials. Tokens are kept per scope. */
export class Authorizer {
  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #credentials: Credentials | undefined;
  readonly #tokens: Map<string, Token> = new Map<string, Token>();

  constructor(transport: Transport, endpoint: Endpoint, credentials?: Credentials) {
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#credentials = endpoint.mirror ? undefined : credentials;
  }

  /**
   * The `Authorization` header for a request that needs `scope` (`repository:NAME:pull`), or `undefined` if no
   * challenge can be answered. Bearer is preferred. Fails with `unauthorized` or `registry-unreachable`.
   */
  async header(
    challenges: readonly Challenge[],
    scope: string,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const { registrytoken } = this.#credentials ?? {};
    if (bearer !== undefined)
      return `Bearer ${registrytoken || (await this.#token(bearer.params, scope, signal))}`;
    if (challenges.some(({ scheme }) => scheme === "basic")) return this.#basic();
    return undefined;
  }

  /** Whether one of the challenges can be answered at all: bearer always, Basic with a password. */
  answers(challenges: readonly Challenge[]): boolean {
    return challenges.some(
      ({ scheme }) => scheme === "bearer" || (scheme === "basic" && this.#basic() !== undefined),
    );
  }

  /** Forgets the token for `scope`, after the registry refused it. */
  forget(scope: string): void {
    for (const key of this.#tokens.keys()) if (key.endsWith(`\n${scope}`)) this.#tokens.delete(key);
  }

  #basic(): string | undefined {
    const { username, password } = this.#credentials ?? {};
    if (!username || password === undefined) return undefined;
    return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  }

  async #token(params: Challenge["params"], scope: string, signal?: AbortSignal): Promise<string> {
    const service = params["service"] ?? "";
    const key = `${params["realm"] ?? ""}\n${service}\n${scope}`;
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expires - leeway > performance.now()) return known.value;
    const asked = performance.now();
    const fetched = this.#fetch(params["realm"], service, scope, signal);
    const token: Token = { value: fetched.then(({ value }) => value), expires: Number.POSITIVE_INFINITY };
    // Layers ask at the same moment: one request serves them all, and a failed one serves nobody.
    this.#tokens.set(key, token);
    try {
      token.expires = asked + Math.max((await fetched).life, shortestLife);
    } catch {
      if (this.#tokens.get(key) === token) this.#tokens.delete(key);
    }
    return token.value;
  }

  async #fetch(
    realmText: string | undefined,
    service: string,
    scope: string,
    signal?: AbortSignal,
  ): Promise<{ value: string; life: number }> {
    const realm = this.#realm(realmText);
    const { identitytoken } = this.#credentials ?? {};
    const basic = this.#basic();
    const secret = Boolean(identitytoken) || basic !== undefined;
    if (secret) this.#checkChannel(realm);
    const answer = identitytoken
      ? await this.#transport.send(oauthRequest(realm, service, scope, identitytoken, signal))
      : await this.#transport.send({
          url: tokenUrl(realm, service, scope, this.#credentials?.username),
          headers: basic === undefined ? {} : { authorization: basic },
          follow: !secret,
          signal,
        });
    if (answer.status !== 200) throw await refusal(answer);
    return parseToken(realm, await answer.bytes(answerLimit));
  }

  /** The token server's URL; refused if it is no place for a registry to send us to. */
  #realm(text: string | undefined): URL {
    const { base } = this.#endpoint;
    if (text === undefined || !URL.canParse(text)) throw refusedFailure(base, "its challenge names no realm");
    const realm = new URL(text);
    const what = `refusing the token server ${realm.protocol}//${realm.host}`;
    const schemes = base.protocol === "https:" ? ["https:"] : ["https:", "http:"];
    const { trust } = this.#transport;
    // A local registry reached by https may have its token server beside it, without TLS: nothing leaves the machine.
    const local = trust.loopback(realm) && trust.loopback(base) && realm.protocol === "http:";
    if (!schemes.includes(realm.protocol) && !local) throw refusedFailure(base, `${what}: not https`);
    if (trust.local(realm) && !trust.local(base)) throw refusedFailure(base, `${what}: it is this machine`);
    if (realm.username !== "" || realm.password !== "")
      throw refusedFailure(base, `${what}: it has credentials`);
    realm.hash = "";
    return realm;
  }

  /** A challenge that came in the clear could have been written by anybody: then only the registry's own host counts. */
  #checkChannel(realm: URL): void {
    const { base } = this.#endpoint;
    const trusted = base.protocol === "https:" || this.#transport.trust.loopback(realm);
    if (trusted || realm.hostname === base.hostname) return;
    const reason = `refusing to send credentials to ${realm.host}, which it named without encryption`;
    throw refusedFailure(base, reason);
  }
}

function tokenUrl(realm: URL, service: string, scope: string, account: string | undefined): URL {
  const url = new URL(realm);
  if (account) url.searchParams.set("account", account);
  if (service !== "") url.searchParams.set("service", service);
  for (const one of scope.split(" ")) url.searchParams.append("scope", one);
  return url;
}

function oauthRequest(
  url: URL,
  service: string,
  scope: string,
  refreshToken: string,
  signal?: AbortSignal,
): Parameters<Transport["send"]>[0] {
  const form = {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    service,
    scope,
    client_id: clientId,
  };
  return {
    method: "POST",
    url,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
    follow: false,
    signal,
  };
}

async function refusal(answer: Answer): Promise<CaissonError> {
  const { status, url, headers } = answer;
  await answer.discard();
  if (status === 429 || status >= 500) return statusFailure(url, status, headers.get("retry-after"));
  if (status === 400 || status === 401 || status === 403)
    return failure("unauthorized", { message: "unauthorized: incorrect username or password" });
  return statusFailure(url, status, null);
}

function parseToken(realm: URL, bytes: Uint8Array | undefined): { value: string; life: number } {
  if (bytes === undefined)
    throw refusedFailure(realm, `its token answer is longer than ${answerLimit} bytes`);
  const { token, access_token: accessToken, expires_in: seconds } = parseObject(bytes);
  const value = typeof token === "string" && token !== "" ? token : accessToken;
  // A header must not be split, nor may a token be endless.
  if (typeof value !== "string" || !/^[\x21-\x7e]{1,65536}$/.test(value))
    throw refusedFailure(realm, "its answer holds no usable token");
  return { value, life: typeof seconds === "number" && Number.isFinite(seconds) ? seconds * 1000 : 0 };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
