import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import { markdown, prepend } from "./results.ts";

const machine: Machine = {
  date: "2026-01-02 03:04 UTC",
  commit: "abc1234",
  hardware: "2 × Processor",
  kernel: "6.18",
  versions: ["Bun 1.4.5"],
};

test("markdown says what was measured, met, missed and left out", () => {
  const section = markdown(machine, [
    {
      title: "Start",
      columns: ["median"],
      rows: [{ name: "floor", cells: ["3.6 ms"] }],
      goals: [
        { text: "fast", value: 1, limit: 2, show: String },
        { text: "small", value: 3, limit: 2, show: String },
        { text: "absent", value: Number.NaN, limit: 2, show: String },
      ],
      notes: ["podman run is missing: not here"],
    },
  ]);
  expect(section).toStartWith("## 2026-01-02 03:04 UTC, commit abc1234\n");
  expect(section).toContain("| fast | 1 | ≤ 2 | met |");
  expect(section).toContain("| small | 3 | ≤ 2 | **missed** |");
  expect(section).toContain("| absent |  | ≤ 2 | not measured |");
  expect(section).toContain("| floor | 3.6 ms |");
  expect(section).toEndWith("- podman run is missing: not here\n");
});

test("prepend keeps the head on top and the newest section first", () => {
  const folder = mkdtempSync(join(tmpdir(), "results-"));
  try {
    const file = join(folder, "RESULTS.md");
    prepend("## old\n\nfirst\n", file);
    prepend("## new\n\nsecond\n", file);
    const text = readFileSync(file, "utf8");
    expect(text).toStartWith("# Results\n");
    expect(text).toEndWith("## new\n\nsecond\n\n## old\n\nfirst\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
