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
  readonly #known = new Map<number, Promise<string | undefined>>();

  constructor(probe: IdMapProbe) {
    this.#probe = probe;
  }

  /** Why files at `path` can't be mapped; undefined if they can, or if there is nothing at `path`. */
  async unsupported(path: string): Promise<string | undefined> {
    const device = statSync(path, { throwIfNoEntry: false })?.dev;
    if (device === undefined) return undefined;
    let answer = this.#known.get(device);
    if (answer === undefined) {
      answer = this.#probe(path);
      this.#known.set(device, answer);
    }
    return answer;
  }
}
