/**
 * A storage driver in memory and a client of the image service, for tests.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathText } from "../image/mod.ts";
import type { LayerSource, RootPlan, SnapshotDriver } from "../storage/mod.ts";
import { failure, messageOf } from "../errors/mod.ts";
import type { Progress } from "./engine.ts";
import type { NewEvent } from "./events.ts";
import { ImageService, type ImageUser } from "./images.ts";

/** Layers are lists of paths; a layer's size is that of its files. */
export class FakeStorage implements SnapshotDriver {
  readonly name = "overlay2";
  readonly unpacked: Map<string, { paths: string[]; size: number }> = new Map<
    string,
    { paths: string[]; size: number }
  >();
  /** Chain IDs in the order in which they were unpacked. */
  readonly order: string[] = [];

  async hasLayer(chainId: string): Promise<boolean> {
    return this.unpacked.has(chainId);
  }

  async unpack({ chainId, parent, changes }: LayerSource): Promise<void> {
    if (parent !== undefined && !this.unpacked.has(parent))
      throw failure("not-found", { message: `no layer ${parent}` });
    const layer = { paths: [] as string[], size: 0 };
    for await (const change of changes) {
      layer.paths.push(pathText(change.path));
      if (change.kind === "add") layer.size += change.entry.size;
    }
    if (!this.unpacked.has(chainId)) this.order.push(chainId);
    this.unpacked.set(chainId, layer);
  }

  async removeLayer(chainId: string): Promise<void> {
    this.unpacked.delete(chainId);
  }

  async layers(): Promise<string[]> {
    return [...this.unpacked.keys()];
  }

  async layerSize(chainId: string): Promise<number> {
    const layer = this.unpacked.get(chainId);
    if (layer === undefined) throw failure("not-found", { message: `no layer ${chainId}` });
    return layer.size;
  }

  async prepare(container: string, chain: readonly string[]): Promise<RootPlan> {
    return this.plan(container, chain);
  }

  async restore(): Promise<boolean> {
    return false;
  }

  plan(container: string, chain: readonly string[]): RootPlan {
    return {
      kind: "overlay",
      lower: this.layerPaths(chain),
      upper: `/${container}/diff`,
      work: `/${container}/work`,
    };
  }

  layerPaths(chain: readonly string[]): readonly string[] {
    return chain.map((chainId) => `/layers/${chainId.slice(-4)}`).toReversed();
  }

  async remove(): Promise<void> {}

  async containers(): Promise<string[]> {
    return [];
  }

  async containerSize(): Promise<number> {
    return 0;
  }

  async readFile(): Promise<undefined> {
    return undefined;
  }

  with(): this {
    return this;
  }
}

/** An image service on a folder of its own; `await using` removes it. */
export class ImageBench implements AsyncDisposable {
  readonly root: string = mkdtempSync(join(tmpdir(), "caisson-images-"));
  readonly storage: FakeStorage = new FakeStorage();
  readonly events: NewEvent[] = [];
  readonly warnings: string[] = [];
  /** Containers by the image that they are made of. */
  readonly users: Map<string, ImageUser[]> = new Map<string, ImageUser[]>();
  chains: string[][] = [];

  /** The service as it is after a start of the engine. */
  async open(): Promise<ImageService> {
    return await ImageService.open({
      dataRoot: this.root,
      storage: this.storage,
      registry: () => ({}),
      publish: (event) => this.events.push(event),
      warn: (message) => this.warnings.push(message),
      chainsInUse: () => this.chains,
      containersUsing: (id) => this.users.get(id) ?? [],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** All that was reported, and the text of the error that it ended with. */
export async function reported(work: AsyncIterable<Progress>): Promise<(Progress | string)[]> {
  const lines: (Progress | string)[] = [];
  try {
    for await (const line of work) lines.push(line);
  } catch (error) {
    lines.push(messageOf(error));
  }
  return lines;
}
