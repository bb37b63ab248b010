/**
 * Columns as Go's text/tabwriter aligns them: a column is a run of lines that have a tab there.
 * @module
 */

/** Widths of columns. */
export interface TableOptions {
  readonly minWidth: number;
  readonly padding: number;
}

/** What docker's lists use. */
export const listColumns: TableOptions = { minWidth: 10, padding: 3 };

/** Replaces the tabs of `text` by spaces so that columns line up. */
export function alignColumns(text: string, options: TableOptions = listColumns): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths: number[][] = lines.map(() => []);
  block(lines, widths, 0, lines.length, 0, options);
  return lines
    .map((cells, i) =>
      cells.map((cell, j) => (j === cells.length - 1 ? cell : padTo(cell, widths[i]?.[j] ?? 0))).join(""),
    )
    .join("\n");
}

function block(
  lines: readonly (readonly string[])[],
  widths: readonly number[][],
  from: number,
  to: number,
  column: number,
  options: TableOptions,
): void {
  for (let start = from; start < to; start++) {
    if (column >= (lines[start]?.length ?? 0) - 1) continue;
    let end = start;
    let width = options.minWidth;
    for (; end < to && column < (lines[end]?.length ?? 0) - 1; end++) {
      width = Math.max(width, displayWidth(lines[end]?.[column] ?? "") + options.padding);
    }
    for (let i = start; i < end; i++) widths[i]?.push(width);
    block(lines, widths, start, end, column + 1, options);
    start = end - 1;
  }
}

function padTo(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - displayWidth(cell)));
}

/** Columns that `text` takes on a terminal: wide characters of East Asian scripts and emoji take two, marks none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1F64F}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u;
