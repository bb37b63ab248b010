/**
 * The host's own chain FORWARD: `DOCKER-USER`, which stands in front of Docker's rules, is honoured where somebody has
 * made it, and a FORWARD that drops lets containers' packets through. See docs/decisions/firewall.md. Rules of the host's iptables are read and written by its own program alone.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { findHostProgram, runHostProgram } from "../../kernel/mod.ts";
import { PASS_MARK } from "./ruleset.ts";

/** What runs a program of the host; its output. */
export type RunHost = typeof runHostProgram;

const commands = ["iptables", "ip6tables"] as const;
const bit = `0x${PASS_MARK.toString(16)}`;
const ours = ["-m", "comment", "--comment", "caisson"] as const;
const jump: readonly string[] = [...ours, "-j", "DOCKER-USER"];
const pass: readonly string[] = ["-m", "mark", "--mark", `${bit}/${bit}`, ...ours, "-j", "ACCEPT"];

/** Whether `listing` (`iptables -S`) has the chain. */
export function hasDockerUser(listing: string): boolean {
  return /^-N DOCKER-USER$/m.test(listing);
}

/** Whether what no rule of the host's speaks of is dropped: then containers need a rule there, as dockerd's have. */
export function dropsForwarded(listing: string): boolean {
  return /^-P FORWARD DROP$/m.test(listing);
}

function places(listing: string): { readonly rules: string[]; readonly jump: number; readonly pass: number } {
  const rules = listing.split("\n").filter((line) => line.startsWith("-A FORWARD "));
  const marked = new RegExp(`--mark ${bit}/${bit} .*-j ACCEPT$`);
  return {
    rules,
    jump: rules.findIndex((rule) => rule.endsWith(" -j DOCKER-USER")),
    pass: rules.findIndex((rule) => marked.test(rule)),
  };
}

/**
 * The arguments of the commands that honour the chain: FORWARD leads to it as by dockerd. Behind it, or where FORWARD
 * drops, it lets through what the engine's own table has let through, unless the host's rules are to decide on everything.
 */
export function honouring(listing: string, respectHostFirewall: boolean): string[][] {
  const chain = hasDockerUser(listing);
  if (!chain && !dropsForwarded(listing)) return [];
  const found = places(listing);
  const result: string[][] = [];
  let behind = found.jump + 2;
  if (chain && found.jump < 0) {
    result.push(["-I", "FORWARD", "1", ...jump]);
    behind = 2;
  }
  if (found.pass < 0 && !respectHostFirewall) result.push(["-I", "FORWARD", String(behind), ...pass]);
  return result;
}

/** The arguments of the commands that take back what {@link honouring} did, and nothing else. */
export function forgetting(listing: string): string[][] {
  const { rules } = places(listing);
  const result: string[][] = [];
  if (rules.some((rule) => rule.includes("--comment caisson -j DOCKER-USER")))
    result.push(["-D", "FORWARD", ...jump]);
  if (rules.some((rule) => rule.includes(`--mark ${bit}/${bit} -m comment --comment caisson -j ACCEPT`))) {
    result.push(["-D", "FORWARD", ...pass]);
  }
  return result;
}

async function perform(plan: (listing: string) => string[][], run: RunHost): Promise<boolean> {
  let there = false;
  for (const command of commands) {
    const path = findHostProgram(command);
    if (path === undefined) continue;
    const { code, stdout } = await run([path, "-w", "-S"]);
    // Without the family there is nothing to be honoured.
    if (code !== 0) continue;
    there ||= hasDockerUser(stdout) || dropsForwarded(stdout);
    for (const args of plan(stdout)) {
      const { code: failed, stderr } = await run([path, "-w", ...args]);
      if (failed !== 0) {
        throw failure("firewall-refused", {
          doing: "honour DOCKER-USER",
          program: command,
          reason: stderr.trim(),
        });
      }
    }
  }
  return there;
}

/** Sees that the chain is honoured, and that FORWARD lets containers through. Whether it takes marked packets for it. */
export async function honourDockerUser(
  respectHostFirewall: boolean,
  run: RunHost = runHostProgram,
): Promise<boolean> {
  return perform((listing) => honouring(listing, respectHostFirewall), run);
}

/** Takes back what {@link honourDockerUser} did. */
export async function forgetDockerUser(run: RunHost = runHostProgram): Promise<void> {
  await perform(forgetting, run);
}
