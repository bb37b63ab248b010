/**
 * Names that all clients want at once. What each was answered must fit an order in which the name belonged to one at a
 * time.
 * @module
 */
import type { Move, Player } from "./container-moves.ts";

/** When something was asked for and when the answer was there, in ms. */
interface Interval {
  readonly from: number;
  readonly to: number;
}

/** An object that had a name. */
interface Tenure {
  readonly id: string;
  readonly made: Interval;
  /** Undefined while it has it. */
  removed?: Interval;
}

/** Who was told that the name was taken, or was shown by name. */
interface Sighting extends Interval {
  readonly name: string;
  /** The id that was told; undefined: there is none of this name. */
  readonly id: string | undefined;
}

/** What all clients were told of the names that they share. */
export class SharedNames {
  /** Begins the names of one run. */
  readonly prefix: string;
  readonly #tenures = new Map<string, Tenure[]>();
  readonly #sightings: Sighting[] = [];

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  made(name: string, id: string, made: Interval): void {
    const list = this.#tenures.get(name);
    if (list === undefined) this.#tenures.set(name, [{ id, made }]);
    else list.push({ id, made });
  }

  removed(id: string, removed: Interval): void {
    const tenure = this.#all().find((each) => each.id === id);
    if (tenure !== undefined) tenure.removed ??= removed;
  }

  seen(name: string, id: string | undefined, when: Interval): void {
    this.#sightings.push({ name, id, ...when });
  }

  /** Ids of those that were made and not removed. */
  get left(): readonly string[] {
    return this.#all()
      .filter(({ removed }) => removed === undefined)
      .map(({ id }) => id);
  }

  /** What can't have been, whatever the order. */
  contradictions(): readonly string[] {
    const found: string[] = [];
    for (const [name, list] of this.#tenures) {
      for (const one of list) {
        for (const other of list) {
          // It was made while the other one certainly had the name.
          if (
            one !== other &&
            one.made.from > other.made.to &&
            one.made.to < (other.removed?.from ?? Infinity)
          )
            found.push(`${name}: ${one.id} was made while ${other.id} had it`);
        }
      }
    }
    for (const { name, id, from, to } of this.#sightings) {
      const list = this.#tenures.get(name) ?? [];
      const had = ({ made, removed }: Tenure): boolean =>
        made.from <= to && (removed?.to ?? Infinity) >= from;
      const certainly = ({ made, removed }: Tenure): boolean =>
        made.to < from && (removed?.from ?? Infinity) > to;
      if (id !== undefined && !list.some((each) => each.id === id && had(each)))
        found.push(`${name}: ${id} was told, which did not have it then`);
      if (id === undefined && list.some(certainly))
        found.push(`${name}: it was said to be free, and was not`);
    }
    return found;
  }

  #all(): Tenure[] {
    return [...this.#tenures.values()].flat();
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly when: Interval }> {
  const from = performance.now();
  const value = await work();
  return { value, when: { from, to: performance.now() } };
}

/** The moves on names that are shared. */
export function sharedMoves(shared: SharedNames): readonly Move[] {
  const nameOf = (a: number): string => `${shared.prefix}-${a % 3}`;

  const makeContainer: Move = async ({ client }, a) => {
    const name = nameOf(a);
    const body = { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
    const { value, when } = await timed(async () =>
      client.call("POST", `/containers/create?name=${name}`, [201, 409], body),
    );
    if (value.status === 201) shared.made(name, (JSON.parse(value.text) as { Id: string }).Id, when);
    else shared.seen(name, /by container ."?([0-9a-f]{64})/.exec(value.text)?.[1], when);
  };

  const lookFor: Move = async ({ client }, a) => {
    const name = nameOf(a);
    const { value, when } = await timed(async () =>
      client.call("GET", `/containers/${name}/json`, [200, 404]),
    );
    const id = value.status === 200 ? (JSON.parse(value.text) as { Id: string }).Id : undefined;
    shared.seen(name, id, when);
  };

  const drop: Move = async ({ client }, a) => {
    const found = await client.call("GET", `/containers/${nameOf(a)}/json`, [200, 404]);
    if (found.status === 404) return;
    const { Id } = JSON.parse(found.text) as { Id: string };
    // Others may remove it at the same time; one of them does.
    const { value, when } = await timed(async () =>
      client.call("DELETE", `/containers/${Id}?force=1`, [204, 404, 409]),
    );
    if (value.status === 204) shared.removed(Id, when);
  };

  const volume: Move = async ({ client }, a, b) => {
    const name = `${shared.prefix}-v${a % 2}`;
    if (b % 2 === 0) await client.call("POST", "/volumes/create", [201], { Name: name });
    else await client.call("DELETE", `/volumes/${name}`, [204, 404, 409]);
  };

  const network: Move = async ({ client }, a, b) => {
    const name = `${shared.prefix}-n`;
    const body = { Name: name, IPAM: { Config: [{ Subnet: "10.250.0.0/24" }] } };
    // 403: one that is going still has the addresses.
    if (b % 2 === 0) await client.call("POST", "/networks/create", [201, 403, 409], body);
    else await client.call("DELETE", `/networks/${name}`, [204, 404]);
  };

  const startBoth: Move = async ({ client }: Player, a) => {
    await client.call("POST", `/containers/${nameOf(a)}/start`, [204, 304, 404, 409]);
  };

  return [makeContainer, makeContainer, lookFor, drop, drop, volume, network, startBoth];
}
