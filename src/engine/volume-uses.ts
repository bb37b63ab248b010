/**
 * Which containers have plugins' volumes mounted: written down before the plugin is asked, so that an engine that is
 * killed leaves no volume mounted for ever.
 * @module
 */
import { inContext, messageOf } from "../errors/mod.ts";
import type { StateDatabase, VolumeUseRow } from "./database.ts";
import type { EngineLog } from "./services.ts";
import type { VolumePlugins } from "./volume-plugins.ts";

/** The plugins' volumes in use. A container counts once for each volume, by its own id. */
export class VolumeUses {
  readonly #database: StateDatabase;
  readonly #plugins: VolumePlugins;
  readonly #log: Pick<EngineLog, "error">;
  readonly #uses: VolumeUseRow[];
  /** Ends that plugins have not answered yet, by container. */
  readonly #ending = new Map<string, Promise<void>>();

  constructor(database: StateDatabase, plugins: VolumePlugins, log: Pick<EngineLog, "error">) {
    this.#database = database;
    this.#plugins = plugins;
    this.#log = log;
    this.#uses = database.volumeUses();
  }

  /** Has `driver` mount the volume for the container; where it is on the host. Safe to call again. */
  async begin(container: string, driver: string, volume: string): Promise<string> {
    await this.#ending.get(container);
    const use = { container, driver, volume };
    if (!this.#of(container).some((known) => known.driver === driver && known.volume === volume)) {
      this.#uses.push(use);
      this.#database.insertVolumeUse(use);
    }
    try {
      return await this.#plugins.mount(driver, volume, container);
    } catch (error) {
      throw inContext(`error while mounting volume '${volume}'`, error);
    }
  }

  /** Has plugins unmount what the container used. One that fails is told of in the log, and not asked again. */
  async end(container: string): Promise<void> {
    // Asked twice, a plugin would unmount what another use of the volume has.
    const before = this.#ending.get(container);
    if (before !== undefined) return before;
    const uses = this.#of(container);
    if (uses.length === 0) return;
    const ending = Promise.all(uses.map((use) => this.#end(use))).then(() => {
      if (this.#ending.get(container) === ending) this.#ending.delete(container);
    });
    this.#ending.set(container, ending);
    await ending;
  }

  async #end(use: VolumeUseRow): Promise<void> {
    const { container, driver, volume } = use;
    try {
      await this.#plugins.unmount(driver, volume, container);
    } catch (error) {
      this.#log.error(`unmount volume ${volume} of ${driver}: ${messageOf(error)}`, { error });
    }
    const index = this.#uses.indexOf(use);
    if (index !== -1) this.#uses.splice(index, 1);
    this.#database.deleteVolumeUse(use);
  }

  /** Resolves when plugins have answered to the end of every container that had the volume. */
  async ended(volume: string): Promise<void> {
    const having = this.#uses.filter((use) => use.volume === volume);
    await Promise.all(having.flatMap(({ container }) => this.#ending.get(container) ?? []));
  }

  /** Ends what an engine that was killed left: uses of containers that don't run. Nobody waits for it. */
  recover(runs: (container: string) => boolean): void {
    const left = new Set(this.#uses.map(({ container }) => container));
    for (const container of left) if (!runs(container)) void this.end(container);
  }

  #of(container: string): VolumeUseRow[] {
    return this.#uses.filter((use) => use.container === container);
  }
}
