import { expect, test } from "bun:test";
import { findHostProgram } from "../kernel/mod.ts";
import { checkPsArguments, parsePs, processTable } from "./top.ts";

const output = `UID          PID    PPID  C STIME TTY          TIME CMD
root         249     234  0 03:44 ?        00:00:00 sleep  300
root           1       0  0 03:40 ?        00:00:01 init
root         250     249  0 03:44 ?        00:00:00 sh -c a\u00a0b   c
`;

test("the container's processes are kept, the command in one piece", () => {
  expect(parsePs(output, new Set([249, 250]))).toEqual({
    Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
    Processes: [
      ["root", "249", "234", "0", "03:44", "?", "00:00:00", "sleep 300"],
      ["root", "250", "249", "0", "03:44", "?", "00:00:00", "sh -c a\u00a0b c"],
    ],
  });
});

test("threads stay with their process", () => {
  const threads = "PID TTY CMD\n7 ? a\n- ? -\n8 ? b\n- ? -\n";
  expect(parsePs(threads, new Set([8])).Processes).toEqual([
    ["8", "?", "b"],
    ["-", "?", "-"],
  ]);
});

test("nonsense is refused in Docker's words", () => {
  expect(() => parsePs("A B\n1 2\n", new Set([1]))).toThrow("Couldn't find PID field in ps output");
  expect(() => parsePs("PID\nx\n", new Set([1]))).toThrow("Unexpected pid 'x'");
  expect(() => checkPsArguments("-o pid=PID -o ppid=PID")).toThrow('specifying "ppid=PID" is not allowed');
  checkPsArguments("-o pid=PID,user");
});

test.if(findHostProgram("ps") !== undefined)("the host's ps is asked", async () => {
  const { Titles, Processes } = await processTable("-o pid,comm", new Set([process.pid]));
  expect(Titles[0]).toBe("PID");
  expect(Processes.map(([pid]) => pid)).toEqual([String(process.pid)]);
  expect(processTable("--no-such-option", new Set([1]))).rejects.toThrow(
    "ps: error: unknown gnu long option",
  );
});
