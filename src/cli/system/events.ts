/**
 * `caisson events`
 * @module
 */
import type { EventMessage } from "@docker/node-sdk";
import type { Command } from "../command.ts";
import { filterFlag, toFilters } from "../filters.ts";
import { execute, parse } from "../list-format.ts";
import { toTimestamp } from "../timestamps.ts";

/** `caisson events` */
export const events: Command = {
  use: "[OPTIONS]",
  flags: [
    filterFlag,
    {
      name: "format",
      type: "string",
      usage: `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`,
    },
    { name: "since", type: "string", usage: "Show all events created since timestamp" },
    { name: "until", type: "string", usage: "Stream events until this timestamp" },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const format = flags.string("format") ?? "";
    const template = format === "" ? undefined : parse(format === "json" ? "{{json .}}" : format);
    const time = (flag: string): string | undefined => {
      const value = flags.string(flag) ?? "";
      return value === "" ? undefined : toTimestamp(value, flag);
    };
    const since = time("since");
    const until = time("until");
    const client = await context.client();
    const stream = client.events({
      filters: toFilters(flags.list("filter")),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    });
    for await (const event of stream) {
      context.stdout.line(template === undefined ? eventLine(event) : execute(template, event));
    }
    return 0;
  },
};

/** `2026-11-24T04:58:10.896812997Z volume create NAME (driver=local)` */
export function eventLine(event: EventMessage): string {
  const attributes = Object.entries(event.Actor?.Attributes ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const details = attributes.length === 0 ? "" : ` (${attributes.join(", ")})`;
  return `${timeText(event)} ${event.Type ?? ""} ${event.Action ?? ""} ${event.Actor?.ID ?? ""}${details}`;
}

function timeText(event: EventMessage): string {
  const seconds = event.time ?? Math.floor((event.timeNano ?? 0) / 1e9);
  const date = new Date(seconds * 1000);
  // The nanoseconds have more digits than a number keeps; what is lost are the last two.
  const nanos = String(Math.round((event.timeNano ?? seconds * 1e9) % 1e9)).padStart(9, "0");
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const two = (n: number): string => String(Math.trunc(n)).padStart(2, "0");
  const size = Math.abs(minutes);
  const zone = minutes === 0 ? "Z" : `${minutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
  return `${local}.${nanos}${zone}`;
}
