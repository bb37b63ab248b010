/**
 * A conversation with one repository at one endpoint: requests with the right `Authorization`, answers with the right
 * errors. Pull uses it to read; an upload needs nothing more than another scope, method and body.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Answer } from "./answer.ts";
import { familiarName } from "../reference.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import { refusedFailure } from "./failures.ts";
import { acceptManifests, isDigest, manifestLimit } from "./manifest.ts";
import { redirectTarget } from "./redirect.ts";
import { refusalOf } from "./refusal.ts";
import { Authorizer } from "./token.ts";
import type { Request, Transport } from "./transport.ts";
import type { Credentials, RegistryReference } from "./types.ts";

/** A manifest as it was sent. */
export interface RawManifest {
  readonly bytes: Uint8Array;
  readonly contentType: string | null;
}

/** What {@link Session.send} takes: the request without what the session knows itself. */
export interface RepositoryRequest extends Omit<Request, "url" | "follow"> {
  /** After `v2/NAME/`: `manifests/latest`, `blobs/sha256:…`. */
  readonly path: string;
  /** What the token has to allow. */
  readonly actions?: "pull" | "pull,push";
  /** Another repository of this registry that it must allow to be read. */
  readonly source?: string;
}

/** What {@link Session.sendTo} takes. */
export type UploadRequest = Omit<Request, "url" | "follow">;

const repositoryForm = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^\w[\w.-]{0,127}$/;

/** Opened by {@link openSession}. */
export class Session {
  readonly reference: RegistryReference;
  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #authorizer: Authorizer;
  #challenges: readonly Challenge[];

  constructor(
    transport: Transport,
    endpoint: Endpoint,
    reference: RegistryReference,
    credentials: Credentials | undefined,
    challenges: readonly Challenge[],
  ) {
    this.reference = reference;
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#authorizer = new Authorizer(transport, endpoint, credentials);
    this.#challenges = challenges;
  }

  /**
   * Sends a request to the repository, answering one challenge. Resolves with whatever status comes then. Fails with
   * `registry-denied` if there is nothing to answer the challenge with.
   */
  async send({ path, actions = "pull", source, ...request }: RepositoryRequest): Promise<Answer> {
    const { repository } = this.reference;
    const url = new URL(`v2/${repository}/${path}`, this.#endpoint.base);
    const read = source === undefined ? "" : ` repository:${source}:pull`;
    return this.#authorized({ ...request, url, follow: true }, `repository:${repository}:${actions}${read}`);
  }

  /** Where `answer` says that an upload goes on. Fails with `registry-unreachable` for what no registry should say. */
  placeOf(answer: Answer): URL {
    const location = answer.headers.get("location");
    if (location === null) throw refusedFailure(answer.url, "it doesn't say where to upload to");
    return redirectTarget(this.#transport.trust, answer.url, location);
  }

  /** Sends a part of an upload to the place that the registry named. Another origin gets no credentials. */
  async sendTo(place: URL, request: UploadRequest): Promise<Answer> {
    if (place.origin !== this.#endpoint.base.origin)
      return this.#transport.send({ ...request, url: place, follow: false });
    const scope = `repository:${this.reference.repository}:pull,push`;
    // A body that is a stream can't be sent twice.
    return this.#authorized(
      { ...request, url: place, follow: false },
      scope,
      request.body instanceof ReadableStream,
    );
  }

  async #authorized(request: Request, scope: string, once = false): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const authorization = await this.#authorizer.header(this.#challenges, scope, request.signal);
      const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
      const answer = await this.#transport.send({ ...request, headers });
      // Who we were redirected to has no say about our credentials.
      if (answer.status !== 401 || answer.foreign || attempt === 2 || once) return answer;
      const challenges = parseChallenges(answer.headers.get("www-authenticate"));
      if (challenges.length === 0) return answer;
      await answer.discard();
      this.#authorizer.forget(scope);
      this.#challenges = challenges;
      if (authorization === undefined && !this.#authorizer.answers(challenges))
        throw failure("registry-denied", {
          repository: familiarName(this.reference),
          reason: "no basic auth credentials",
        });
    }
  }

  /** Reads the manifest or index `name` (a tag or a digest). The digest is the caller's to check. */
  async manifest(name: string, signal?: AbortSignal): Promise<RawManifest> {
    if (!isDigest(name) && !tagForm.test(name))
      throw failure("invalid-parameter", { message: `invalid tag ${JSON.stringify(name)}` });
    const answer = await this.send({
      path: `manifests/${name}`,
      headers: { accept: acceptManifests },
      signal,
    });
    if (answer.status !== 200) throw await refusalOf(answer, this.reference);
    const bytes = await answer.bytes(manifestLimit);
    if (bytes === undefined)
      throw refusedFailure(answer.url, `the manifest is longer than ${manifestLimit} bytes`);
    return { bytes, contentType: answer.headers.get("content-type") };
  }

  /** Asks for the blob `digest` from byte `from` on; the answer may have any status. */
  async blob(digest: string, from: number, signal?: AbortSignal): Promise<Answer> {
    if (!isDigest(digest))
      throw failure("invalid-parameter", { message: `invalid digest ${JSON.stringify(digest)}` });
    const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    return this.send({ path: `blobs/${digest}`, headers, signal });
  }

  /** Asks a foreign layer's own server, as a stranger. */
  async foreignBlob(text: string, from: number, signal?: AbortSignal): Promise<Answer> {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== "https:" || this.#transport.trust.local(url) || url.username !== "")
      throw refusedFailure(this.#endpoint.base, "refusing a foreign layer's URL that isn't public and https");
    const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    return this.#transport.send({ url, headers, follow: true, signal });
  }
}

/**
 * Asks the endpoint whether it is a registry and what it wants to know of us (`GET /v2/`). Fails with
 * `registry-unreachable` if there is none.
 */
export async function openSession(
  transport: Transport,
  endpoint: Endpoint,
  reference: RegistryReference,
  credentials: Credentials | undefined,
  signal?: AbortSignal,
): Promise<Session> {
  if (!repositoryForm.test(reference.repository) || reference.repository.length > 255)
    throw failure("invalid-parameter", {
      message: `invalid repository ${JSON.stringify(reference.repository)}`,
    });
  const answer = await transport.send({ url: new URL("v2/", endpoint.base), follow: true, signal });
  const challenges =
    answer.status === 401 && !answer.foreign ? parseChallenges(answer.headers.get("www-authenticate")) : [];
  if (answer.status >= 400 && answer.status !== 401 && answer.status !== 404)
    throw await refusalOf(answer, reference);
  await answer.discard();
  return new Session(transport, endpoint, reference, credentials, challenges);
}
