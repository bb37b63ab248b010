/**
 * Which file systems of the host can show their files with mapped ids: asked of the kernel once for each device.
 * @module
 */
import { statSync } from "node:fs";

/** Asks the kernel about the file system that `path` lies on; resolves to the reason why not, or undefined. */
export type IdMapProbe = (path: string) => Promise<string | undefined>;

/** Remembers what the kernel said of each device. */
export class IdMapSupport {
  readonly #probe: IdMapProbe;
  readonly #known = new Map<string, Promise<string | undefined>>();

  constructor(probe: IdMapProbe) {
    this.#probe = probe;
  }

  /** The same of a folder of the engine's own. */
  async unsupportedHere(path: string): Promise<string | undefined> {
    const device = statSync(path, { throwIfNoEntry: false })?.dev;
    return device === undefined ? undefined : this.unsupported(path, String(device));
  }

  /** Why files at `path`, which is on `device`, can't be mapped; undefined if they can. */
  async unsupported(path: string, device: string): Promise<string | undefined> {
    let answer = this.#known.get(device);
    if (answer === undefined) {
      answer = this.#probe(path);
      this.#known.set(device, answer);
    }
    return answer;
  }
}
