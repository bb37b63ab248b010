/**
 * Who follows a log is woken when it changes: one watch and one look at the disk serve all followers of a log.
 * @module
 */
import { watch, type FSWatcher } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** Notifications of changes can fail; the file is looked at this often anyway, in milliseconds. */
const POLL = 500;

/** One log with followers. */
class WatchedLog {
  readonly #path: string;
  readonly #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #followers = new Set<() => void>();
  /** What the last look saw: inode and size. */
  #seen = "";
  #wokenAt = 0;
  #later: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(path: string) {
    this.#path = path;
    const name = basename(path);
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, (_, changed) => {
        if (changed === null || changed.startsWith(name)) this.#wake();
      });
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // No directory yet, or no watches left (fs.inotify.max_user_watches): looking does it.
    }
    this.#timer = setInterval(() => void this.#look(), POLL);
    this.#timer.unref();
  }

  add(follower: () => void): void {
    this.#followers.add(follower);
  }

  /** Whether nobody is left. */
  remove(follower: () => void): boolean {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return false;
    this.#watcher?.close();
    clearInterval(this.#timer);
    clearTimeout(this.#later);
    return true;
  }

  /** Each follower then looks at the file: so many of them are woken less often, a millisecond for each. */
  #wake(): void {
    if (this.#later !== undefined) return;
    const rest = this.#wokenAt + this.#followers.size - performance.now();
    if (rest > 1) {
      this.#later = setTimeout(() => {
        this.#later = undefined;
        this.#wake();
      }, rest);
      return;
    }
    this.#wokenAt = performance.now();
    for (const follower of this.#followers) follower();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { ino, size } = await stat(this.#path);
      const seen = `${ino} ${size}`;
      if (seen !== this.#seen) this.#wake();
      this.#seen = seen;
    } catch {
      // It is being rotated, or not there yet.
    } finally {
      this.#looking = false;
    }
  }
}

const watched = new Map<string, WatchedLog>();

/** Wakes who follows the log at `path`: when something changes there, and when told. */
export class Changes implements Disposable {
  readonly #path: string;
  readonly #log: WatchedLog;
  #changed = true;
  #waiting: (() => void) | undefined;
  /** Wakes it. */
  readonly wake = (): void => {
    this.#changed = true;
    this.#waiting?.();
  };

  constructor(path: string) {
    this.#path = path;
    this.#log = watched.get(path) ?? new WatchedLog(path);
    watched.set(path, this.#log);
    this.#log.add(this.wake);
  }

  /** Resolves at the next change, or after so many milliseconds. */
  async next(most?: number): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const timer = most === undefined ? undefined : setTimeout(resolve, Math.max(1, most));
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiting = undefined;
    }
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    if (this.#log.remove(this.wake) && watched.get(this.#path) === this.#log) watched.delete(this.#path);
  }
}
