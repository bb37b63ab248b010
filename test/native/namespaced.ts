/**
 * Scenarios that need sockets: each runs in a process of its own, in a network namespace of its own, and says as JSON
 * what it saw.
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Runs `scenario` of `script` (a file beside this one), and returns what it saw. */
export async function inNamespace(script: string, scenario: string): Promise<unknown> {
  const child = spawn("unshare", ["--net", process.execPath, join(import.meta.dir, script), scenario], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${scenario} in ${script}: exit ${code}`);
  return JSON.parse(said);
}

/** The other side: what such a script does with its argument. */
export async function perform(scenarios: Readonly<Record<string, () => Promise<unknown>>>): Promise<void> {
  spawnSync("ip", ["link", "set", "lo", "up"]);
  const scenario = scenarios[process.argv[2] ?? ""];
  if (scenario === undefined) throw new Error(`no scenario ${process.argv[2]}`);
  const seen = JSON.stringify(await scenario());
  process.stdout.write(seen, () => process.exit(0));
}
