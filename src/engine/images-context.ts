/**
 * What the parts of the image service work with.
 * @module
 */
import type { ContentStore } from "../image/mod.ts";
import type { Limiter, RegistryConfig } from "../image/registry/mod.ts";
import type { SnapshotDriver } from "../storage/mod.ts";
import type { NewEvent } from "./events.ts";
import type { ImageCollector } from "./images-collect.ts";
import type { SharedDownloads } from "./images-downloads.ts";
import type { ImageStore } from "./images-store.ts";
import type { ImageRecord } from "./images-table.ts";

/** A container, as far as it matters to its image. */
export interface ImageUser {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
}

/** What the image service is made of. */
export interface ImageServiceOptions {
  /** The engine's folder; images are in `images` below it. */
  readonly dataRoot: string;
  readonly storage: SnapshotDriver;
  /** How registries are reached now. */
  readonly registry: () => RegistryConfig;
  /** How often a download is begun before a pull fails; 5 if undefined. */
  readonly attempts?: () => number;
  /** Layers downloaded at once by all pulls together; 3 if undefined. */
  readonly downloads?: number;
  /** Layers uploaded at once by all pushes together; 5 if undefined. */
  readonly uploads?: number;
  readonly publish: (event: NewEvent) => void;
  /** Told of images that can't be used and of what couldn't be removed. */
  readonly warn?: (message: string) => void;
  /** Chain IDs that containers are made of. */
  readonly chainsInUse: () => Iterable<readonly string[]>;
  /** Containers that are made of an image or mount it. */
  readonly containersUsing: (imageId: string) => readonly ImageUser[];
}

/** What each part is given. */
export interface ImageContext {
  readonly options: ImageServiceOptions;
  readonly content: ContentStore;
  readonly storage: SnapshotDriver;
  readonly store: ImageStore;
  readonly collector: ImageCollector;
  /** These two are shared by all pulls. */
  readonly limiter: Limiter;
  readonly downloads: SharedDownloads;
  /** Shared by all pushes. */
  readonly uploads: Limiter;
}

/** Tells that something happened to an image. `id` and `name` are its ID unless it was called by a name. */
export function publishImage(
  { options }: ImageContext,
  action: string,
  image: ImageRecord,
  { id = image.id, name = image.id }: { id?: string; name?: string } = {},
): void {
  // Docker's events of an image have its labels, except when it is gone.
  const labels = action === "delete" ? {} : image.config.config.Labels;
  options.publish({ Type: "image", Action: action, Actor: { ID: id, Attributes: { ...labels, name } } });
}
