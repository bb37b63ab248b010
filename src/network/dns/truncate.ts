/**
 * Answers made to fit: as many records as there is room for, and the bit that says that there were more.
 * @module
 */
import { bits, headerLength, readQuestion, types } from "./codec.ts";
import { Reader } from "./wire.ts";

/** Octets that every asker by UDP takes (RFC 1035, section 4.2.1). */
export const smallest = 512;

/**
 * `message` in at most `limit` octets: its records as they stand, cut behind the last one that fits, but for an OPT
 * record, which stays. A message that can't be read is cut behind its header.
 */
export function truncate(message: Uint8Array, limit: number): Uint8Array {
  if (message.length <= limit) return message;
  const reader = new Reader(message, headerLength);
  const header = new Reader(message, 4);
  const [questions, ...sections] = Array.from({ length: 4 }, () => header.u16());
  for (let index = 0; index < (questions ?? 0); index += 1) readQuestion(reader);
  if (reader.bad) return cut(message, headerLength, [0, 0, 0, 0]);
  const asked = reader.at;
  const places = sections.flatMap((count, section) => recordsOf(reader, count, section));
  const option = places.find((place) => place.type === types.OPT);
  const tail = option === undefined ? new Uint8Array() : message.subarray(option.from, option.to);
  const kept = [questions ?? 0, 0, 0, option === undefined ? 0 : 1];
  let end = asked;
  for (const place of places) {
    // Additional records are the first to go.
    if (place.section === 2 || place.to + tail.length > limit) break;
    end = place.to;
    kept[place.section + 1] = (kept[place.section + 1] ?? 0) + 1;
  }
  if (end + tail.length > limit) return cut(message, headerLength, [0, 0, 0, 0]);
  return cut(message, end, kept, tail);
}

interface Place {
  readonly section: number;
  readonly type: number;
  readonly from: number;
  readonly to: number;
}

function recordsOf(reader: Reader, count: number, section: number): Place[] {
  const places: Place[] = [];
  for (let index = 0; index < count && !reader.bad; index += 1) {
    const from = reader.at;
    const { type } = readQuestion(reader);
    reader.u32();
    reader.take(reader.u16());
    if (!reader.bad) places.push({ section, type, from, to: reader.at });
  }
  return places;
}

function cut(
  message: Uint8Array,
  end: number,
  counts: readonly number[],
  tail: Uint8Array = new Uint8Array(),
): Uint8Array {
  const result = new Uint8Array(end + tail.length);
  result.set(message.subarray(0, end));
  result.set(tail, end);
  result[2] = (result[2] ?? 0) | (bits.truncated >> 8);
  for (const [index, count] of counts.entries()) {
    result[4 + 2 * index] = count >> 8;
    result[5 + 2 * index] = count & 0xff;
  }
  return result;
}
