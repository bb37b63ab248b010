/**
 * The lines of `GET /containers/json`. Clients ask for them all the time and of all containers, so what can't change is put
 * together once for each container.
 * @module
 */
import type { Container } from "./container-store.ts";
import type { ContainerRecord } from "./container.ts";
import { networksJson, portListJson } from "./endpoint-json.ts";
import type { Json } from "./engine.ts";
import { containerSizes, mountsJson } from "./inspect.ts";
import { allNames } from "./links.ts";
import type { Services } from "./services.ts";
import { statusText } from "./status-text.ts";
import { now, parseTime } from "./time.ts";

/** What follows from a record alone. Records don't change, they are replaced. */
interface Fixed {
  readonly command: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly hostConfig: Json;
  readonly mounts: readonly Json[];
}

const known = new WeakMap<ContainerRecord, Fixed>();

function fixedOf(record: ContainerRecord): Fixed {
  const found = known.get(record);
  if (found !== undefined) return found;
  const { path, args, created, hostConfig: host } = record;
  const fixed = {
    command: [path, ...args].map(shellWord).join(" "),
    created: Number(parseTime(created) / 1_000_000_000n),
    hostConfig: {
      NetworkMode: host.NetworkMode,
      ...(host.Annotations === undefined ? {} : { Annotations: host.Annotations }),
    },
    mounts: mountsJson(record, true),
  };
  known.set(record, fixed);
  return fixed;
}

/** Lines of one list: all of the same moment. */
export class Summaries {
  readonly #services: Services;
  readonly #at: bigint = now();
  /** IDs of the images that were asked for by name; empty if a name means none. */
  readonly #images = new Map<string, string>();

  constructor(services: Services) {
    this.#services = services;
  }

  /** A container's line without sizes. */
  of(container: Container): Json {
    const { store, networks } = this.#services;
    const { record, state, id } = container;
    const { command, created, hostConfig, mounts } = fixedOf(record);
    return {
      Id: id,
      Names: allNames(store, container),
      Image: this.#shownImage(record),
      ImageID: record.imageId,
      Command: command,
      Created: created,
      Ports: portListJson(networks.store, container),
      Labels: record.config.Labels,
      State: state.status,
      Status: statusText(state, this.#at),
      HostConfig: hostConfig,
      NetworkSettings: { Networks: networksJson(networks.store, container, false) },
      Mounts: mounts,
    };
  }

  /** The line with the sizes of what it wrote and of its whole root. A size of 0 is left out. */
  async withSizes(container: Container): Promise<Json> {
    const sizes = await containerSizes(this.#services, container);
    const some = Object.entries(sizes).filter(([, bytes]) => bytes !== 0);
    return { ...this.of(container), ...Object.fromEntries(some) };
  }

  /** The image as the client called it, or its ID if it isn't called that any more. */
  #shownImage({ config: { Image: name }, imageId }: ContainerRecord): string {
    let id = this.#images.get(name);
    if (id === undefined) this.#images.set(name, (id = this.#imageId(name)));
    return id === imageId ? name : imageId;
  }

  #imageId(name: string): string {
    try {
      return this.#services.images.resolve(name).id;
    } catch {
      return "";
    }
  }
}

/** Docker quotes words of the command that contain spaces. */
function shellWord(word: string): string {
  return word.includes(" ") ? `'${word}'` : word;
}
