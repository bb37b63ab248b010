/**
 * systemd's own command line.
 * @module
 */
import { spawnSync } from "node:child_process";

/** Runs `systemctl ARGS`, which must succeed; what it says. */
export function systemctl(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("systemctl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`systemctl ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Properties of a unit, by their names. */
export function properties(unit: string, names: readonly string[]): Readonly<Record<string, string>> {
  const lines = systemctl("show", unit, "-p", names.join(",")).split("\n");
  return Object.fromEntries(lines.map((line) => [line.replace(/=.*/, ""), line.replace(/^[^=]*=/, "")]));
}
