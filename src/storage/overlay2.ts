/**
 * Snapshots for the overlay file system. A container's root is its image's layers below and a directory of its own above.
 *
 *     layers/<hex of the chain ID>/{diff,layer.json}
 *     containers/<ID>/{diff,work}
 *     init/    what every container has though its image lacks it (init-layers.ts)
 *     empty/   what an image without layers has
 *     assembly how the kernel takes the layers: found out at each start, for one on a full disk
 *     trash/   what is being deleted
 *
 * Users of the host can't go into any of it: set-user-ID programs of images lie here (CVE-2021-41091).
 * @module
 */
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";
import { AT, CWD, flags, int, KernelError, octal, ProgramBuilder, type Program } from "../kernel/mod.ts";
import { InitLayers } from "./init-layers.ts";
import { LayerStore, type LayerRecord } from "./layer-store.ts";
import { probeOverlay, type ProbedOverlay } from "./probe.ts";
import { FileReader } from "./read-file.ts";
import { Trash } from "./trash.ts";
import type { DriverOptions, LayerSource, OverlayPlan, Owner, RootPlan, SnapshotDriver } from "./types.ts";

/** fsconfig(2) takes values shorter than this. */
const longestValue = 255;

/** The driver `overlay2`. */
export class Overlay2 implements SnapshotDriver {
  readonly name = "overlay2";
  readonly #options: DriverOptions;
  readonly #containers: string;
  readonly #empty: string;
  readonly #layers: LayerStore;
  readonly #init: InitLayers;
  readonly #trash: Trash;
  readonly #files: FileReader;
  readonly #assembly: { readonly staged?: true };

  private constructor(options: DriverOptions, staged: boolean) {
    const { root, executor, session } = options;
    this.#assembly = staged ? { staged } : {};
    this.#options = options;
    this.#containers = join(root, "containers");
    this.#empty = join(root, "empty");
    this.#trash = new Trash(join(root, "trash"), executor);
    this.#layers = new LayerStore(join(root, "layers"), this.#trash, session);
    this.#init = new InitLayers(join(root, "init"), this.#trash, session);
    this.#files = new FileReader(executor);
  }

  /**
   * Makes the folders where they are missing, and removes what a crash left. Throws `unavailable` if the file system
   * can't hold them.
   */
  static async open(options: DriverOptions): Promise<Overlay2> {
    const folders = ["", "layers", "containers", "init", "empty", "trash"];
    for (const name of folders) {
      const path = join(options.root, name);
      await mkdir(path, { recursive: true, mode: 0o710 });
      await chmod(path, name === "empty" ? 0o755 : 0o710);
    }
    const overlay = await probed(options);
    if (!overlay.supported)
      throw failure("unavailable", {
        message: `storage driver overlay2 can't be used on ${options.root}: ${overlay.reason}`,
      });
    const driver = new Overlay2(options, overlay.staged);
    await driver.sweep();
    return driver;
  }

  with(executors: Pick<DriverOptions, "executor" | "session">): Overlay2 {
    return new Overlay2({ ...this.#options, ...executors }, this.#assembly.staged === true);
  }

  /** Removes what was being unpacked or deleted when the engine died. Nothing may be unpacked meanwhile. */
  async sweep(): Promise<void> {
    await this.#layers.sweep();
    await this.#init.sweep();
    await this.#trash.sweep();
  }

  /** Resolves when nothing is being deleted in the background any more. */
  async idle(): Promise<void> {
    await this.#trash.idle();
  }

  async hasLayer(chainId: string): Promise<boolean> {
    return (await this.#layers.record(chainId)) !== undefined;
  }

  async unpack(source: LayerSource): Promise<void> {
    await this.#layers.unpack(source);
  }

  async removeLayer(chainId: string): Promise<void> {
    await this.#layers.remove(chainId);
    await this.#init.remove(this.#layers.name(chainId));
  }

  async layers(): Promise<string[]> {
    return await this.#layers.list();
  }

  async layerSize(chainId: string): Promise<number> {
    return (await this.#layer(chainId)).size;
  }

  async prepare(container: string, chain: readonly string[], owner: Owner): Promise<OverlayPlan> {
    const image = this.#planned(container, this.layerPaths(chain));
    const top = chain.at(-1);
    const known = top === undefined ? undefined : (this.#layers.known(top) ?? (await this.#layer(top)));
    if (top !== undefined) await this.#init.ensure(this.#layers.name(top), image);
    const plan = this.plan(container, chain);
    const directory = this.#container(container);
    const marked = plan.lower.length > image.lower.length;
    const program = preparing(directory, owner, known?.root.mode ?? 0o755, marked);
    try {
      await this.#options.executor().run(program, { doing: `prepare container ${container}` });
    } catch (error) {
      // Unless it was there before, what has been made of it goes again.
      if (!(error instanceof KernelError && error.index === 0)) await this.#trash.discard(directory);
      throw error;
    }
    return plan;
  }

  async restore(container: string, chain: readonly string[], owner: Owner): Promise<boolean> {
    const directory = this.#container(container);
    if (existsSync(`${directory}/diff`) && existsSync(`${directory}/work`)) return false;
    await this.#trash.discard(directory);
    await this.prepare(container, chain, owner);
    return true;
  }

  plan(container: string, chain: readonly string[]): OverlayPlan {
    const top = chain.at(-1);
    const init = top === undefined ? undefined : this.#init.find(this.#layers.name(top));
    const layers = this.layerPaths(chain);
    return this.#planned(container, init === undefined ? layers : [init, ...layers]);
  }

  #planned(container: string, lower: readonly string[]): OverlayPlan {
    const directory = this.#container(container);
    const upper = `${directory}/diff`;
    const work = `${directory}/work`;
    const longest = [upper, ...lower].find((path) => path.length > longestValue);
    if (longest !== undefined)
      throw failure("invalid-parameter", {
        message: `the data root is too deep: overlay takes paths of ${longestValue} bytes, not ${longest}`,
      });
    return {
      kind: "overlay",
      lower,
      upper,
      work,
      ...this.#assembly,
    };
  }

  layerPaths(chain: readonly string[]): readonly string[] {
    return chain.length === 0 ? [this.#empty] : chain.map((chainId) => this.#layers.diff(chainId)).reverse();
  }

  async remove(container: string): Promise<void> {
    await this.#trash.discard(this.#container(container));
  }

  async containers(): Promise<string[]> {
    return await readdir(this.#containers);
  }

  async containerSize(container: string): Promise<number> {
    const { diskUsage } = await import("./usage.ts");
    return await diskUsage(this.#options.session, `${this.#container(container)}/diff`);
  }

  async readFile(plan: RootPlan, path: string, limit: number): Promise<Uint8Array | undefined> {
    return await this.#files.read(plan, path, limit);
  }

  async #layer(chainId: string): Promise<LayerRecord> {
    const record = await this.#layers.record(chainId);
    if (record === undefined) throw failure("not-found", { message: `layer ${chainId} is not unpacked` });
    return record;
  }

  /** The container's folder. Only an ID becomes a path. */
  #container(container: string): string {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(container))
      throw failure("invalid-parameter", { message: `${JSON.stringify(container)} is no container ID` });
    return `${this.#containers}/${container}`;
  }
}

/** What the file system can do; one that is full now could do what it did when the engine started before. */
async function probed({ executor, root }: DriverOptions): Promise<ProbedOverlay> {
  const memory = join(root, "assembly");
  const known = await readFile(memory, "utf8").catch(() => "");
  // What an engine that is killed meanwhile leaves is swept with the rest there.
  const overlay = await probeOverlay(executor(), join(root, "trash"));
  if (!overlay.supported) {
    const isKnown = overlay.full && (known === "detached" || known === "staged");
    return isKnown ? { supported: true, staged: known === "staged" } : overlay;
  }
  const now = overlay.staged ? "staged" : "detached";
  if (now !== known) await writeFile(memory, now, { mode: 0o600 });
  return overlay;
}

/**
 * The program that makes a container's folder. `mode` is of the root that the container sees, `marked` whether a layer
 * below has Docker's mark.
 */
function preparing(directory: string, { uid, gid }: Owner, mode: number, marked: boolean): Program {
  const b = new ProgramBuilder();
  const diff = `${directory}/diff`;
  b.call("make the container's folder", "mkdirat", [CWD, directory, octal(0o710)]);
  b.call("make the directory that it writes to", "mkdirat", [CWD, diff, octal(0o700)]);
  b.call("make the overlay's working directory", "mkdirat", [CWD, `${directory}/work`, octal(0o700)]);
  const noFollow = flags(AT, "SYMLINK_NOFOLLOW");
  const mapped = uid !== 0 || gid !== 0;
  const mark = `${diff}/.dockerenv`;
  if (!marked) b.call("mark it as a container's", "mknodat", [CWD, mark, int(0o100755, "S_IFREG|0755"), 0]);
  if (!marked && mapped)
    b.call("give the mark to the container's root", "fchownat", [CWD, mark, uid, gid, noFollow]);
  if (mapped) b.call("give it to the container's root", "fchownat", [CWD, diff, uid, gid, noFollow]);
  b.call("set its mode to that of the image's root", "fchmodat", [CWD, diff, octal(mode)]);
  return b.build();
}
