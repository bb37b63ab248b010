/**
 * A hijacked connection joined to the terminal or the pipes that the command runs in.
 * @module
 */
import { demultiplex, type Hijacked } from "../../client/mod.ts";
import type { Context } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import type { Output } from "../output.ts";
import { DetachWatch, parseDetachKeys } from "./detach-keys.ts";

/** What is joined to what. */
export interface SessionOptions {
  readonly connection: Hijacked;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: string;
}

/** How a session ended: the container's side closed, or the user left by the detach keys. */
export type SessionEnd = "closed" | "detached";

/** A session under way. */
export interface Session {
  /** Resolves at its end; rejects when the connection breaks. The terminal is restored before. */
  readonly done: Promise<SessionEnd>;
  /** Ends it now. */
  stop(): void;
}

/** Refuses to pretend: a terminal in the container needs one here when input is attached. */
export function checkTty(context: Context, stdin: boolean, tty: boolean): void {
  if (stdin && tty && !context.stdinTerminal) throw commandFailed("the input device is not a TTY");
}

/** Starts to copy both ways. With a terminal on both sides ours is put into raw mode until the session ends. */
export async function startSession(context: Context, options: SessionOptions): Promise<Session> {
  const { connection } = options;
  const keys = options.tty ? parseDetachKeys(options.detachKeys) : undefined;
  let restore = (): void => {};
  if (options.tty && options.stdin && context.stdinTerminal) {
    const { rawMode } = await import("../terminal.ts");
    restore = await rawMode();
  }
  const output = copyOutput(context, options).then((): SessionEnd => "closed");
  const detached = new Promise<SessionEnd>((resolve, reject) => {
    const input = options.stdin ? copyInput(context, connection, keys) : endInput(connection);
    input.then((left) => left && resolve("detached"), reject);
  });
  let stop = (): void => {};
  const stopped = new Promise<SessionEnd>((resolve) => {
    stop = (): void => resolve("closed");
  });
  const silent = !options.stdout && !options.stderr;
  const done = Promise.race([
    silent ? output.catch(() => "closed" as const) : output,
    detached,
    stopped,
  ]).finally(() => {
    restore();
    connection.close();
  });
  // Whoever started the session may still be busy when it breaks; the rejection is looked at later.
  done.catch(() => {});
  return { done, stop };
}

async function copyOutput(context: Context, options: SessionOptions): Promise<void> {
  const { connection, tty, stdout, stderr } = options;
  if (tty) {
    const to: Output | undefined = stdout ? context.stdout : undefined;
    for await (const bytes of connection.output) await to?.bytes(bytes);
    return;
  }
  const outputs = [undefined, stdout ? context.stdout : undefined, stderr ? context.stderr : undefined];
  await demultiplex(connection.output, (stream, bytes) => outputs[stream]?.bytes(bytes));
}

/** @returns whether the user typed the detach keys */
async function copyInput(
  context: Context,
  connection: Hijacked,
  keys: Uint8Array | undefined,
): Promise<boolean> {
  const watch = keys === undefined ? undefined : new DetachWatch(keys);
  try {
    for await (const bytes of context.stdin()) {
      const { pass, detached } = watch?.push(bytes) ?? { pass: bytes, detached: false };
      if (pass.length > 0) await connection.write(pass);
      if (detached) return true;
    }
  } catch {
    // The container doesn't read any more; what it wrote still arrives on the other direction, with the real error.
    return false;
  }
  connection.end();
  return false;
}

async function endInput(connection: Hijacked): Promise<boolean> {
  connection.end();
  return false;
}
