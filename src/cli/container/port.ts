/**
 * `caisson port`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { cut } from "../key-values.ts";
import { join } from "./ports-text.ts";

/** `caisson port` */
export const port: Command = {
  use: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  flags: [],
  args: { min: 1, max: 2 },
  run: async (context, _, [name = "", wanted]) => {
    const container = await (await context.client()).containers.inspect(name);
    const ports = container.NetworkSettings?.Ports ?? {};
    const one = wanted === undefined ? undefined : portKey(wanted);
    const lines = Object.entries(ports)
      .filter(([key]) => one === undefined || key === one)
      .toSorted(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1))
      .flatMap(([key, bindings]) =>
        (bindings ?? []).map((binding) => {
          const address = join(binding.HostIp ?? "", binding.HostPort ?? "");
          return one === undefined ? `${key} -> ${address}` : address;
        }),
      );
    if (one !== undefined && lines.length === 0) {
      throw commandFailed(`Error: No public port '${wanted}' published for ${name}`);
    }
    for (const line of lines) context.stdout.line(line);
    return 0;
  },
};

function portKey(wanted: string): string {
  const [number, protocol] = cut(wanted, "/");
  const why = !/^\d+$/.test(number) ? "invalid syntax" : Number(number) > 65_535 ? "value out of range" : "";
  if (why !== "") {
    throw commandFailed(
      `Error: invalid port (${number}): strconv.ParseUint: parsing ${JSON.stringify(number)}: ${why}`,
    );
  }
  return `${number}/${protocol === "" ? "tcp" : protocol}`;
}
