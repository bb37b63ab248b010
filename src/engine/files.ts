/**
 * The files of containers, for `docker cp`: what is at a path, a tree as an archive, an archive into a directory.
 * @module
 */
import { posix } from "node:path";
import { Readable } from "node:stream";
import { CaissonError, failure, isFailure, messageOf } from "../errors/mod.ts";
import { baseName, decompress, keepEnding, readTar, splitPath, writeTar } from "../image/mod.ts";
import { containerFiles, type TreeEntriesOptions } from "../storage/mod.ts";
import { sentInTime } from "./awaited-sender.ts";
import { containerChanges } from "./container-changes.ts";
import { publishContainer } from "./container-events.ts";
import { openView, type ContainerView } from "./container-view.ts";
import type { Container } from "./container-store.ts";
import type { CommitRequest, Files, PathStat } from "./engine.ts";
import type { ImageService } from "./images.ts";
import { pathStat } from "./path-stat.ts";
import { containerUser } from "./runtime-context.ts";
import type { Services } from "./services.ts";

/** The paths of a whole tree are held back until so many bytes can be sent at once. */
const gathered = 64 << 10;

export class FileService implements Files {
  readonly #services: Services;
  readonly #images: Pick<ImageService, "commit">;

  constructor(services: Services, images: Pick<ImageService, "commit">) {
    this.#services = services;
    this.#images = images;
  }

  async stat(name: string, path: string): Promise<PathStat> {
    const container = this.#services.store.find(name);
    using view = await openView(this.#services, container, { mounts: true });
    const { lookAt } = await containerFiles();
    const { stat, target } = await found(name, path, lookAt(view, path));
    return pathStat(path, stat, target);
  }

  async read(name: string, path: string): Promise<{ readonly stat: PathStat; readonly archive: Readable }> {
    const container = this.#services.store.find(name);
    const view = await openView(this.#services, container, { mounts: true });
    try {
      const { lookAt, enterTop } = await containerFiles();
      const whole = keepEnding(posix.join("/", path), path);
      const { stat, target } = await found(name, path, lookAt(view, whole));
      const directory = (stat.mode & 0o170000) === 0o040000;
      const { directory: parent, base } = splitPath(whole);
      await found(name, path, enterTop(view, directory ? whole : parent));
      const called = baseName(whole);
      const archive = await archiveOf(view, {
        name: called === "/" ? "" : called,
        ...(directory ? {} : { only: base }),
        top: true,
        way: "mounts",
      });
      publishContainer(this.#services, "archive-path", container);
      return { stat: pathStat(whole, stat, target), archive };
    } catch (error) {
      view[Symbol.dispose]();
      throw error;
    }
  }

  async extract(
    name: string,
    path: string,
    archive: Readable,
    options: { readonly copyUIDGID: boolean; readonly noOverwriteDirNonDir: boolean },
  ): Promise<void> {
    const container = this.#services.store.find(name);
    using view = await openView(this.#services, container, { mounts: true, writing: true });
    const { enterTop, extractInto, followLinks, lookThrough } = await containerFiles();
    const { mode } = await found(name, path, lookThrough(view, posix.join("/", path)));
    if ((mode & 0o170000) !== 0o040000)
      throw failure("invalid-parameter", { message: "extraction point is not a directory" });
    const real = await followLinks(view, path);
    checkWritable(container, real, view.running);
    const owner = options.copyUIDGID ? await this.#owner(container) : undefined;
    await found(name, path, enterTop(view, real));
    const sent = view.running ? archive : sentInTime(container, archive);
    const { stream } = await decompress(sent, { what: "archive" });
    const work = extractInto(view, readTar(stream), {
      path: real,
      noOverwriteDirNonDir: options.noOverwriteDirNonDir,
      ids: view.ids,
      ...(owner === undefined ? {} : { owner }),
    });
    await found(name, path, work);
    publishContainer(this.#services, "extract-to-dir", container);
  }

  async changes(name: string): Promise<{ readonly Path: string; readonly Kind: 0 | 1 | 2 }[] | null> {
    const changes = await containerChanges(this.#services, this.#services.store.find(name));
    if (changes.length === 0) return null;
    return changes.map(({ path, kind }) => ({ Path: `/${path.join("/")}`.toWellFormed(), Kind: kind }));
  }

  async export(name: string): Promise<Readable> {
    const container = this.#services.store.find(name);
    const view = await openView(this.#services, container, { mounts: false });
    try {
      const archive = await archiveOf(view, { name: "", top: false, way: "layer" });
      publishContainer(this.#services, "export", container);
      return archive;
    } catch (error) {
      view[Symbol.dispose]();
      throw error;
    }
  }

  async commit(name: string, request: CommitRequest): Promise<{ readonly Id: string }> {
    if (name === "") throw failure("invalid-parameter", { message: 'invalid name or ID supplied: ""' });
    const container = this.#services.store.find(name);
    const { commitContainer } = await import("./commit.ts");
    return { Id: await commitContainer(this.#services, this.#images, container, request) };
  }

  /** The container's user, to whom `copyUIDGID` gives what is copied; undefined if it has none. */
  async #owner({ record }: Container): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
    const { User: user } = record.config;
    if (user === "") return undefined;
    const plan = this.#services.storage.plan(record.id, record.chain);
    try {
      return await containerUser(this.#services, plan, user, []);
    } catch (error) {
      const reason = messageOf(error).replace(/^unable to find (?:user|group) .*?: /, "");
      const message = `failed to look up user ${JSON.stringify(user)} in container: ${reason}`;
      throw failure("invalid-parameter", { message }, error);
    }
  }
}

/** A tree of the view as an archive; the view ends with the stream. */
export async function archiveOf(view: ContainerView, options: TreeEntriesOptions): Promise<Readable> {
  const { treeEntries } = await containerFiles();
  const chunks = gather(writeTar(treeEntries(view, options)));
  const stream = Readable.from(chunks, { objectMode: false, highWaterMark: gathered });
  stream.once("close", () => view[Symbol.dispose]());
  return stream;
}

/** The same bytes in fewer pieces: an archive of small files is a piece for each header. */
async function* gather(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    pieces.push(chunk);
    size += chunk.length;
    if (size < gathered) continue;
    yield pieces.length === 1 ? chunk : Buffer.concat(pieces, size);
    pieces = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(pieces, size);
}

/** What is missing in a container, by the name and the path that the client has for it. */
async function found<T>(name: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isFailure(error, "not-found") || !(error instanceof CaissonError)) throw error;
    const message = `Could not find the file ${path} in container ${name}`;
    throw failure("not-found", { message }, error);
  }
}

/** Refuses, before anything is done, to write where the container's own processes may not. */
function checkWritable({ record }: Container, path: string, running: boolean): void {
  const mount = record.mounts.find(
    ({ type, destination }) =>
      (type !== "tmpfs" || running) &&
      (path === destination || path.startsWith(destination === "/" ? "/" : `${destination}/`)),
  );
  if (mount?.writable === false)
    throw failure("invalid-parameter", { message: "mounted volume is marked read-only" });
  if (mount === undefined && record.hostConfig.ReadonlyRootfs)
    throw failure("invalid-parameter", { message: "container rootfs is marked read-only" });
}
