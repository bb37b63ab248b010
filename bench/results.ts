/**
 * RESULTS.md: one dated section per run, the newest first.
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMet, type Goal, type Report } from "./harness.ts";
import type { Machine } from "./machine.ts";

const head = `# Results

Written by \`make bench\`, the newest run first. Machines are noisy: peers run in the same run, turn by turn with us, and what
counts is the ratio of medians, not a time.
`;

/** A run as a section. */
export function markdown(machine: Machine, reports: readonly Report[]): string {
  const lines = [
    `## ${machine.date}, commit ${machine.commit}`,
    "",
    `${machine.hardware}; Linux ${machine.kernel}; ${machine.versions.join("; ")}.`,
  ];
  const goals = reports.flatMap((report) => report.goals);
  if (goals.length > 0) {
    const rows = goals.map((goal) => [
      goal.text,
      Number.isNaN(goal.value) ? "" : goal.show(goal.value),
      `≤ ${goal.show(goal.limit)}`,
      verdict(goal),
    ]);
    lines.push("", "### Goals", "", ...table(["goal", "measured", "bar", ""], rows));
  }
  for (const { title, columns, rows, notes } of reports) {
    lines.push("", `### ${title}`, "");
    if (rows.length > 0) {
      const cells = rows.map((row) => [row.name, ...row.cells]);
      lines.push(...table(["", ...columns], cells), "");
    }
    lines.push(...notes.map((note) => `- ${note}`));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

function verdict(goal: Goal): string {
  if (isMet(goal)) return "met";
  return Number.isNaN(goal.value) ? "not measured" : "**missed**";
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
}

/** Puts a section on top of the others. */
export function prepend(section: string, file: string = join(import.meta.dir, "RESULTS.md")): void {
  const before = existsSync(file) ? readFileSync(file, "utf8") : head;
  const first = before.indexOf("\n## ");
  const [top, rest] = first === -1 ? [before, ""] : [before.slice(0, first), before.slice(first)];
  writeFileSync(file, `${top.trimEnd()}\n\n${section}${rest}`);
}
