/**
 * What one client's objects must be like, told from what it did and was answered. Nobody else touches them, so it is exact.
 * @module
 */

/** What a container's process does: it stays, or prints a line and ends with a code. */
export type Program = { readonly stays: true } | { readonly stays: false; readonly code: number };

/** A container. */
export interface ModelContainer {
  readonly id: string;
  name: string;
  status: "created" | "running" | "paused" | "exited";
  exitCode: number;
  readonly program: Program;
  /** How often it was started: each time a short one prints its line. */
  starts: number;
  readonly autoRemove: boolean;
  /** The volume that it has, of its client's. */
  readonly volume: string | undefined;
  /** The network that it was made for: one of its client's, or none. */
  readonly network: string | undefined;
  /** Files that were put into it: their names and texts. */
  readonly files: Map<string, string>;
  /** The image that it was made from. */
  readonly image: string;
}

/** What a client has. */
export class Model {
  /** Begins every name of this client's. */
  readonly prefix: string;
  readonly containers: Map<string, ModelContainer> = new Map();
  readonly volumes: Set<string> = new Set();
  /** Names and ids. */
  readonly networks: Map<string, string> = new Map();
  /** Tags and the ids of their images. */
  readonly tags: Map<string, string> = new Map();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** One of its names for a kind of object: which of them `pick` says. */
  nameOf(kind: "container" | "volume" | "network", pick: number): string {
    return `${this.prefix}-${kind.charAt(0)}${pick % ({ container: 4, volume: 2, network: 2 } as const)[kind]}`;
  }

  /** One of its tags. */
  tagOf(pick: number): string {
    return `${this.prefix}/image:t${pick % 3}`;
  }

  byName(name: string): ModelContainer | undefined {
    return [...this.containers.values()].find((container) => container.name === name);
  }

  usersOf(volume: string): ModelContainer[] {
    return [...this.containers.values()].filter((container) => container.volume === volume);
  }

  /** Containers that run on a network. */
  activeOn(network: string): ModelContainer[] {
    return [...this.containers.values()].filter(
      (each) => each.network === network && (each.status === "running" || each.status === "paused"),
    );
  }
}
