/**
 * Containers' streams: attach, logs, wait.
 * @module
 */
import { failure, messageOf } from "../../errors/mod.ts";
import type { Attachment, WaitCondition } from "../../engine/mod.ts";
import { joinWebSocket } from "../attach-websocket.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import type { Exchange } from "../exchange.ts";
import { multiplexedStream, rawStream, refuseTakeOver, takeOver } from "../hijack.ts";
import type { Route } from "../router.ts";
import { dropUpgradeBody } from "../upgrade-body.ts";

async function attach(x: Exchange): Promise<void> {
  const { query, name } = x;
  const input = query.flag("stdin");
  try {
    const detachKeys = parseDetachKeys(query.optional("detachKeys"));
    await dropUpgradeBody(x);
    const { tty, stream } = await x.engine.containers.attach(name, {
      stdin: input,
      stdout: query.flag("stdout"),
      stderr: query.flag("stderr"),
      stream: query.flag("stream"),
      logs: query.flag("logs"),
    });
    const end = await takeOver(x, stream, {
      tty,
      input,
      engineHeaders: false,
      ...(tty && input ? { detachKeys } : {}),
    });
    if (end === "detached") x.engine.containers.detached(name);
  } catch (error) {
    refuseTakeOver(x, error);
  }
}

/** The same by WebSocket, always without frames. Before 1.42 all three streams were attached. */
async function attachByWebSocket(x: Exchange): Promise<void> {
  const { query, name } = x;
  const detachKeys = parseDetachKeys(query.optional("detachKeys"));
  // Whether there is such a container is told to whoever asks.
  await x.engine.containers.inspect(name, false);
  const wants = (stream: string): boolean => x.version < 42 || query.flag(stream);
  const input = wants("stdin");
  const open = async (): Promise<Attachment> =>
    x.engine.containers.attach(name, {
      stdin: input,
      stdout: wants("stdout"),
      stderr: wants("stderr"),
      stream: query.flag("stream"),
      logs: query.flag("logs"),
    });
  if (await joinWebSocket(x, open, { input, detachKeys })) x.engine.containers.detached(name);
}

async function logs(x: Exchange): Promise<void> {
  const { query } = x;
  const stdout = query.flag("stdout");
  const stderr = query.flag("stderr");
  if (!stdout && !stderr)
    throw failure("invalid-parameter", { message: "Bad parameters: you must choose at least one stream" });
  const since = query.time("since", /^0$/);
  const until = query.time("until", /^0$/);
  const tail = query.text("tail");
  const follow = query.flag("follow");
  const { tty, stream } = await x.engine.containers.logs(x.name, {
    stdout,
    stderr,
    follow,
    timestamps: query.flag("timestamps"),
    details: query.flag("details"),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    // Anything but a number means all, as in dockerd.
    ...(/^\+?\d+$/.test(tail) ? { tail: Number(tail) } : {}),
  });
  await x.stream(!tty && x.version >= 42 ? multiplexedStream : rawStream, stream, follow);
}

async function stats(x: Exchange): Promise<void> {
  const stream = x.query.flag("stream", true);
  const oneShot = x.version >= 41 && x.query.flag("one-shot");
  if (stream && oneShot)
    throw failure("invalid-parameter", { message: "cannot have stream=true and one-shot=true" });
  const lines = await x.engine.containers.stats(x.name, { stream, oneShot, signal: x.signal });
  x.begin(200, "application/json");
  for await (const line of lines) if (!(await x.write(line))) return;
  x.response.end();
}

const conditions = new Set<string>(["not-running", "next-exit", "removed"]);

async function wait(x: Exchange): Promise<void> {
  // Before 1.30 there were no conditions, and the answer came whole.
  const condition = (x.version < 30 ? undefined : x.query.nonEmpty("condition")) ?? "not-running";
  if (!conditions.has(condition))
    throw failure("invalid-parameter", { message: `invalid condition: ${JSON.stringify(condition)}` });
  const { done } = await x.engine.containers.wait(x.name, condition as WaitCondition);
  if (x.version < 30) {
    const { StatusCode } = await done;
    return x.json(200, { StatusCode });
  }
  x.begin(200, "application/json");
  const answer = await done.catch((error: unknown) => ({
    StatusCode: -1,
    Error: { Message: messageOf(error) },
  }));
  x.end(`${JSON.stringify(answer)}\n`);
}

export const containerStreamRoutes: readonly Route[] = [
  { method: "POST", path: "/containers/*name/attach", body: true, handler: attach },
  { method: "GET", path: "/containers/*name/attach/ws", handler: attachByWebSocket },
  { method: "GET", path: "/containers/*name/logs", handler: logs },
  { method: "GET", path: "/containers/*name/stats", handler: stats },
  { method: "POST", path: "/containers/*name/wait", handler: wait },
];
