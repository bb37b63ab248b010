/**
 * JSON of values that hold whole numbers beyond 2^53, which JSON.stringify refuses: nanoseconds of events.
 * @module
 */

/** A value's JSON; bigints of its first level are written as numbers, digit by digit, after the other fields. */
export function eventLine(value: object): string {
  let big = "";
  const rest: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (typeof item === "bigint") big += `,${JSON.stringify(key)}:${item}`;
    else rest[key] = item;
  }
  if (big === "") return JSON.stringify(value);
  const json = JSON.stringify(rest);
  return json === "{}" ? `{${big.slice(1)}}` : `${json.slice(0, -1)}${big}}`;
}
