/**
 * Processes of a container, as the host's `ps` shows them.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { findHostProgram, runHostProgram } from "../kernel/mod.ts";

/** `docker top`'s answer. */
export interface ProcessTable {
  readonly Titles: string[];
  readonly Processes: string[][];
}

/**
 * Runs `ps` with a client's arguments and keeps the lines of the processes `pids` (host's numbers). Throws
 * `missing-program` without ps, and in Docker's words what ps refuses.
 */
export async function processTable(psArguments: string, pids: ReadonlySet<number>): Promise<ProcessTable> {
  checkPsArguments(psArguments);
  const ps = findHostProgram("ps");
  if (ps === undefined)
    throw failure("missing-program", {
      program: "ps",
      purpose: "list a container's processes",
      package: "procps",
    });
  const words = (psArguments === "" ? "-ef" : psArguments).split(" ");
  // Without processes `-q` has no meaning; some options can't be used with it: then all are listed.
  const chosen = await runHostProgram([ps, ...words, `-q${[...pids].join(",")}`]);
  const { code, stdout, stderr } = chosen.code === 0 ? chosen : await runHostProgram([ps, ...words]);
  if (code !== 0) {
    const why = stderr.split("\n", 1)[0] || `exit status ${code}`;
    throw failure("invalid-parameter", { message: `ps: ${why}` });
  }
  return parsePs(stdout, pids);
}

/** Refuses another column under the title PID, by which processes of others would be shown. */
export function checkPsArguments(psArguments: string): void {
  for (const [, key = "", value = ""] of psArguments.matchAll(
    /[\t\n\f\r ]+([^\t\n\f\r ]*)=[\t\n\f\r ]*(PID[^\t\n\f\r ]*)/g,
  ))
    if (key !== "pid")
      throw failure("invalid-parameter", { message: `specifying "${key}=${value}" is not allowed` });
}

/** Columns are separated by ASCII white space; what is left over belongs to the last one. */
export function parsePs(output: string, pids: ReadonlySet<number>): ProcessTable {
  const [head = "", ...lines] = output.split("\n");
  const Titles = fields(head);
  const column = Titles.indexOf("PID");
  if (column < 0) throw failure("invalid-parameter", { message: "Couldn't find PID field in ps output" });
  const Processes: string[][] = [];
  let mine = false;
  for (const line of lines) {
    if (line === "") continue;
    const columns = fields(line);
    const pid = columns[column] ?? "";
    // Threads (`m`) follow their process, with a dash for their number.
    if (pid !== "-") {
      if (!/^\d+$/.test(pid))
        throw failure("invalid-parameter", { message: `Unexpected pid '${pid}': invalid syntax` });
      mine = pids.has(Number(pid));
    }
    if (!mine) continue;
    const last = Titles.length - 1;
    Processes.push([...columns.slice(0, last), columns.slice(last).join(" ")]);
  }
  return { Titles, Processes };
}

function fields(line: string): string[] {
  return line.split(/[\t\n\f\r ]+/).filter((field) => field !== "");
}
