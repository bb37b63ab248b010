/**
 * `caisson events`
 * @module
 */
import type { EventMessage } from "@docker/node-sdk";
import type { EngineEvent } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { filterFlag, toFilters } from "../filters.ts";
import { compactJson } from "../json-indent.ts";
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
      return value === "" ? undefined : toTimestamp(value, "");
    };
    const since = time("since");
    const until = time("until");
    const client = await context.client();
    const stream = client.events({
      filters: toFilters(flags.list("filter")),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    });
    const raw = /^(?:json|\{\{\s*json \.\s*\}\})$/.test(format);
    for await (const one of stream) {
      // Not by line(), which wouldn't notice that nobody reads any more.
      const print = (text: string): void => context.stdout.text(`${text}\n`);
      if (raw) print(compactJson(one.text));
      else print(template === undefined ? eventLine(one) : execute(template, goFields(one.event)));
    }
    return 0;
  },
};

/** An event under the names of docker's type too, which differ from those in JSON. */
function goFields(event: EventMessage): object {
  const { scope, time, timeNano } = event;
  const { status, id, from } = event as { status?: string; id?: string; from?: string };
  const names = { Scope: scope, Time: time, TimeNano: timeNano, Status: status, ID: id, From: from };
  return { ...event, ...names };
}

/** `2026-11-24T04:58:10.896812997Z volume create NAME (driver=local)` */
export function eventLine({ event, text }: EngineEvent): string {
  const attributes = Object.entries(event.Actor?.Attributes ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const details = attributes.length === 0 ? "" : ` (${attributes.join(", ")})`;
  const nanos = /"timeNano":\s*(\d+)/.exec(text)?.[1] ?? `${event.time ?? 0}000000000`;
  return `${timeText(nanos)} ${event.Type ?? ""} ${event.Action ?? ""} ${event.Actor?.ID ?? ""}${details}`;
}

/** Nanoseconds since the epoch in RFC 3339 with all nine digits, in this machine's time zone. */
function timeText(nanos: string): string {
  const date = new Date(Number(nanos.slice(0, -9)) * 1000);
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const two = (n: number): string => String(Math.trunc(n)).padStart(2, "0");
  const size = Math.abs(minutes);
  const zone = minutes === 0 ? "Z" : `${minutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
  return `${local}.${nanos.slice(-9)}${zone}`;
}
