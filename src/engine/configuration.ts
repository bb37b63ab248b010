/**
 * The options that count now, and what changes with them while the engine runs.
 * @module
 */
import type { DaemonOptions, ReloadableOptions } from "./daemon-options.ts";

const reloadable: { readonly [K in keyof ReloadableOptions]: true } = {
  debug: true,
  logLevel: true,
  labels: true,
  insecureRegistries: true,
  registryMirrors: true,
  maxConcurrentDownloads: true,
  maxConcurrentUploads: true,
  maxDownloadAttempts: true,
  defaultShmSize: true,
  defaultStopTimeout: true,
  shutdownTimeout: true,
};

/** Holds the options; each operation asks once for what it needs. */
export class Configuration {
  #options: DaemonOptions;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  get options(): DaemonOptions {
    return this.#options;
  }

  /** Takes over what may change. Returns the names of the options that differ and count only after a restart. */
  reload(wanted: DaemonOptions): readonly string[] {
    const before = this.#options;
    const changes = Object.keys(reloadable).map((name) => [name, wanted[name as keyof ReloadableOptions]]);
    this.#options = { ...before, ...(Object.fromEntries(changes) as ReloadableOptions) };
    const names = new Set([...Object.keys(before), ...Object.keys(wanted)]) as Set<keyof DaemonOptions>;
    return [...names].filter(
      (name) => !(name in reloadable) && JSON.stringify(before[name]) !== JSON.stringify(wanted[name]),
    );
  }

  /** What the event `daemon reload` tells, with dockerd's names. */
  get attributes(): Readonly<Record<string, string>> {
    const { options } = this;
    return {
      debug: String(options.debug),
      "default-ipc-mode": options.defaultIpcMode,
      "default-runtime": "caisson",
      "default-shm-size": String(options.defaultShmSize),
      "default-stop-timeout": String(options.defaultStopTimeout),
      features: "map[]",
      "insecure-registries": JSON.stringify(options.insecureRegistries),
      labels: JSON.stringify(options.labels),
      "live-restore": "true",
      "log-level": options.logLevel,
      "max-concurrent-downloads": String(options.maxConcurrentDownloads),
      "max-concurrent-uploads": String(options.maxConcurrentUploads),
      "max-download-attempts": String(options.maxDownloadAttempts),
      "registry-mirrors": JSON.stringify(options.registryMirrors),
      runtimes: "",
      "shutdown-timeout": String(options.shutdownTimeout),
    };
  }
}
