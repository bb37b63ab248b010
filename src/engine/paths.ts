/**
 * Where the engine keeps what.
 * @module
 */
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

/** Folders of one engine. */
export class EnginePaths {
  /** Images, containers, volumes, the database: outlives a reboot. */
  readonly dataRoot: string;
  /** Sockets, bundles, exit records: may be lost by a reboot. */
  readonly execRoot: string;
  readonly #bundles: number;

  constructor(dataRoot: string, execRoot: string) {
    this.dataRoot = dataRoot;
    this.execRoot = execRoot;
    // Users of the host may not look inside (CVE-2021-41091); 0711 lets ids of containers through to what is theirs.
    mkdirSync(dataRoot, { recursive: true, mode: 0o711 });
    mkdirSync(execRoot, { recursive: true, mode: 0o711 });
    for (const path of [
      join(dataRoot, "containers"),
      join(dataRoot, "trash"),
      this.bundles,
      join(execRoot, "trash"),
    ])
      mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#bundles = openSync(this.bundles, "r");
  }

  get database(): string {
    return join(this.dataRoot, "caisson.db");
  }

  /** A container's own folder: its log, hosts, hostname, resolv.conf. */
  container(id: string): string {
    return join(this.dataRoot, "containers", id);
  }

  log(id: string): string {
    return join(this.container(id), `${id}-json.log`);
  }

  /** Folder of all bundles. */
  get bundles(): string {
    return join(this.execRoot, "containers");
  }

  /** A running container's bundle: config.json, its shim's socket, the exit record. */
  bundle(id: string): string {
    return join(this.bundles, id);
  }

  /** The socket of a container's shim. */
  shim(id: string): string {
    return this.socket(this.bundle(id));
  }

  execs(id: string): string {
    return join(this.bundle(id), "exec");
  }

  exec(container: string, id: string): string {
    return join(this.execs(container), id);
  }

  /**
   * Path of a shim's socket, given its folder below `bundles`. A socket's name has room for 107 bytes only, so it goes by
   * way of the open folder.
   */
  socket(folder: string): string {
    return join(`/proc/self/fd/${this.#bundles}`, folder.slice(this.bundles.length), "shim.sock");
  }
}
