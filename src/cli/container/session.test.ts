import { expect, test } from "bun:test";
import type { Hijacked } from "../../client/mod.ts";
import { Flags } from "../flags.ts";
import type { Context } from "../command.ts";
import { messageOf } from "../../errors/mod.ts";
import { frame } from "../testing.ts";
import { checkTty, startSession, type SessionOptions } from "./session.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Joined {
  end: string;
  stdout: string;
  stderr: string;
  sent: string;
  closed: boolean;
}

/** A session between `typed` and a container that says `said` once its input has ended, or at once. */
async function joined(
  typed: readonly string[],
  said: readonly Uint8Array[] | Error,
  options: Partial<SessionOptions>,
): Promise<Joined> {
  const result: Joined = { end: "", stdout: "", stderr: "", sent: "", closed: false };
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const connection: Hijacked = {
    contentType: "",
    output: (async function* () {
      await ended;
      if (said instanceof Error) throw said;
      yield* said;
    })(),
    write: async (bytes) => {
      result.sent += new TextDecoder().decode(bytes);
    },
    end,
    close: () => {
      result.closed = true;
    },
  };
  const kept = (name: "stdout" | "stderr"): Context["stdout"] => ({
    text: (text) => void (result[name] += text),
    line: (text) => void (result[name] += `${text}\n`),
    bytes: async (bytes) => void (result[name] += new TextDecoder().decode(bytes)),
    terminal: false,
  });
  const context: Context = {
    program: "caisson",
    path: "caisson x",
    stdout: kept("stdout"),
    stderr: kept("stderr"),
    stdin: async function* () {
      for (const text of typed) yield encode(text);
    },
    stdinTerminal: false,
    client: () => Promise.reject(new Error("nobody asks")),
    globals: new Flags(new Map()),
  };
  const all = { stdin: true, stdout: true, stderr: true, tty: false, detachKeys: "", ...options };
  const session = await startSession(context, { connection, ...all });
  result.end = await session.done.catch(messageOf);
  return result;
}

test("input goes in, output comes out by its stream", async () => {
  expect(await joined(["a", "b"], [frame(1, "out"), frame(2, "err")], {})).toEqual({
    end: "closed",
    stdout: "out",
    stderr: "err",
    sent: "ab",
    closed: true,
  });
});

test("only the streams that were asked for are shown", async () => {
  const said = [frame(1, "out"), frame(2, "err")];
  expect(await joined(["a"], said, { stdin: false, stdout: false })).toMatchObject({
    stdout: "",
    stderr: "err",
    sent: "",
  });
});

test("a terminal's output is taken as it is, and the detach keys leave", async () => {
  expect(await joined(["x"], [encode("raw")], { tty: true })).toMatchObject({ end: "closed", stdout: "raw" });
  expect(await joined(["ab\u0010\u0011", "never"], [], { tty: true })).toMatchObject({
    end: "detached",
    sent: "ab",
    closed: true,
  });
});

test("without a terminal the detach keys are ordinary input", async () => {
  expect(await joined(["\u0010\u0011"], [], {})).toMatchObject({ end: "closed", sent: "\u0010\u0011" });
});

test("a connection that breaks is an error, unless nobody listens to it", async () => {
  const broken = new Error("broke");
  expect((await joined([], broken, {})).end).toBe("broke");
  expect((await joined([], broken, { stdout: false, stderr: false })).end).toBe("closed");
});

test("a container's terminal needs one here when input is attached", () => {
  const context = { stdinTerminal: false } as Context;
  expect(() => checkTty(context, true, true)).toThrow("the input device is not a TTY");
  expect(() => checkTty(context, false, true)).not.toThrow();
  expect(() => checkTty({ stdinTerminal: true } as Context, true, true)).not.toThrow();
});
