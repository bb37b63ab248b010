/**
 * User and group ids of containers: mappings of user namespaces, and a range of ids of its own for each container.
 *
 * Ranges begin at 0x70000000. systemd's document UIDS-GIDS.md divides the 32-bit space among everything that runs on a
 * Linux machine: people below 60000, dynamic users below 65536, /etc/subuid (shadow hands out 100000 to 600100000) and
 * systemd-nspawn's containers below 0x70000000. From there to 0x7fffffff nothing has a claim but one range, the owner
 * of foreign disk images at 0x7ffe0000. That makes 4095 containers. Above 2^31 no one has a claim either, but some
 * programs read such ids as negative numbers, so those come last. 0xffff0000 is out: it would contain -1, which is no
 * id.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** `size` ids from `containerId` on inside are those from `hostId` on outside (user_namespaces(7)). */
export interface IdMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

/** Ids in one container's range: every id that a 16-bit program can name. */
export const rangeSize = 0x10000;

const firstRange = 0x70000000;
const lastRange = 0xfffe0000;
const foreignImages = 0x7ffe0000;
const maxId = 0xffffffff;
/** Most lines that the kernel takes in a map (user_namespaces(7), since 4.15). */
const maxMappings = 340;

/**
 * The lowest range that isn't in use.
 * @param used indices of the ranges in use
 * @returns the range's index, from which {@link rangeMappings} makes its mapping
 * @throws unavailable when all 36,862 ranges are taken
 */
export function allocateRange(used: ReadonlySet<number>): number {
  const count = (lastRange - firstRange) / rangeSize + 1;
  for (let index = 0; index < count; index++) {
    if (!used.has(index) && firstId(index) !== foreignImages) return index;
  }
  throw failure("unavailable", { message: "every range of user ids is in use by a container" });
}

/** The mapping of the range `index`: root inside is its first id, and so on. */
export function rangeMappings(index: number): readonly IdMapping[] {
  return [{ containerId: 0, hostId: firstId(index), size: rangeSize }];
}

/** Index of the range whose first id is `hostId`; undefined if it is no range's. */
export function rangeIndex(hostId: number): number | undefined {
  const index = (hostId - firstRange) / rangeSize;
  return Number.isInteger(index) && index >= 0 && hostId <= lastRange ? index : undefined;
}

function firstId(index: number): number {
  return firstRange + index * rangeSize;
}

/** The id outside of the id `inside`; undefined where it isn't mapped. */
export function toHost(mappings: readonly IdMapping[], inside: number): number | undefined {
  const found = mappings.find(
    ({ containerId, size }) => inside >= containerId && inside < containerId + size,
  );
  return found && found.hostId + (inside - found.containerId);
}

/** The id inside of the id `outside`; undefined where it isn't mapped. */
export function toContainer(mappings: readonly IdMapping[], outside: number): number | undefined {
  const found = mappings.find(({ hostId, size }) => outside >= hostId && outside < hostId + size);
  return found && found.containerId + (outside - found.hostId);
}

/**
 * Checks what the kernel would only answer with EINVAL.
 * @param what whose mappings, for the message: `uidMappings`
 * @throws invalid-parameter with the mapping and the reason
 */
export function checkMappings(what: string, mappings: readonly IdMapping[]): void {
  const refuse = (reason: string): never => {
    throw failure("invalid-parameter", { message: `${what}: ${reason}` });
  };
  if (mappings.length === 0) refuse("no id is mapped");
  if (mappings.length > maxMappings)
    refuse(`${mappings.length} mappings, the kernel takes at most ${maxMappings}`);
  for (const mapping of mappings) {
    const { containerId, hostId, size } = mapping;
    const inRange = (first: number): boolean =>
      Number.isInteger(first) && first >= 0 && first + size <= maxId;
    if (!Number.isInteger(size) || size < 1) refuse(`${print(mapping)}: the size must be 1 or more`);
    if (!inRange(containerId) || !inRange(hostId)) refuse(`${print(mapping)}: ids go from 0 to ${maxId - 1}`);
  }
  for (const side of ["containerId", "hostId"] as const) {
    const sorted = mappings.toSorted((a, b) => a[side] - b[side]);
    for (const [i, mapping] of sorted.entries()) {
      const next = sorted[i + 1];
      if (next !== undefined && mapping[side] + mapping.size > next[side])
        refuse(`${print(mapping)} overlaps ${print(next)}`);
    }
  }
}

function print({ containerId, hostId, size }: IdMapping): string {
  return `${containerId}:${hostId}:${size}`;
}
