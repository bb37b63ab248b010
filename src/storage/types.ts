/**
 * Snapshots: unpacked layers, keyed by chain ID, and what containers write on top of them. A driver keeps them on disk
 * and says how a container's root is made of them; it mounts nothing (docs/decisions/no-host-mounts.md).
 * @module
 */
import type { LayerChange, TarEntry } from "../image/mod.ts";
import type { Executor } from "../kernel/mod.ts";

/** Host ids that own the top of a container's root: 0 and 0, or the beginning of the container's range. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** How a root file system is put together when a container starts; src/runtime makes it so. */
export type RootPlan = OverlayPlan | { readonly kind: "directory"; readonly path: string };

/** A root of layers, the topmost first. */
export interface OverlayPlan {
  readonly kind: "overlay";
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** Whether the kernel takes only layers that are mounted: before Linux 6.15. */
  readonly staged?: boolean;
}

/** A layer to unpack: its changes in the order of its archive, with the bodies of files. */
export interface LayerSource {
  /** Chain ID of this layer (OCI image-spec, config.md): `sha256:…`. */
  readonly chainId: string;
  /** Chain ID of the layer below. */
  readonly parent?: string;
  readonly changes: AsyncIterable<LayerChange<TarEntry>>;
}

export interface SnapshotDriver {
  readonly name: "overlay2" | "vfs" | "btrfs" | "zfs" | "fuse-overlayfs";
  /** Whether the layer is there, whole. */
  hasLayer(chainId: string): Promise<boolean>;
  /** Unpacks a layer; it is there as a whole or, after an error or a crash, not at all. Safe to call twice at once. */
  unpack(source: LayerSource): Promise<void>;
  /** Removes a layer that nothing refers to any more. */
  removeLayer(chainId: string): Promise<void>;
  /** Chain IDs of every layer on disk. */
  layers(): Promise<string[]>;
  /** Size in bytes of what the layer alone holds. */
  layerSize(chainId: string): Promise<number>;
  /** Makes the place where a container writes; `chain` is its image's chain IDs, lowest first. */
  prepare(container: string, chain: readonly string[], owner: Owner): Promise<RootPlan>;
  /** Makes the place again if a power loss has taken it, or a part; whether it had. */
  restore(container: string, chain: readonly string[], owner: Owner): Promise<boolean>;
  /** The same plan again, of a container that was prepared before. */
  plan(container: string, chain: readonly string[]): RootPlan;
  /** Directories of these layers, topmost first; at least one. */
  layerPaths(chain: readonly string[]): readonly string[];
  /** Removes what a container wrote; quick: the deleting goes on in the background. */
  remove(container: string): Promise<void>;
  /** Containers that have something on disk. */
  containers(): Promise<string[]>;
  /** Bytes that a container wrote. */
  containerSize(container: string): Promise<number>;
  /** Reads a file as the container would see it, at most `limit` bytes; undefined if there is none. */
  readFile(plan: RootPlan, path: string, limit: number): Promise<Uint8Array | undefined>;
  /** The same driver with other executors. */
  with(executors: Pick<DriverOptions, "executor" | "session">): SnapshotDriver;
}

/** What a driver works with. */
export interface DriverOptions {
  /** Its own folder below the data root. */
  readonly root: string;
  /** The warm executor. */
  readonly executor: () => Executor;
  /** A fresh executor for a session of its own. */
  readonly session: () => Executor;
}
