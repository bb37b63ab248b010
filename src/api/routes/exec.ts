/**
 * Processes that are started in running containers.
 * @module
 */
import { CaissonError, failure } from "../../errors/mod.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import type { Exchange } from "../exchange.ts";
import { beginTakeOver, failInStream, hasBegun, takeOver } from "../hijack.ts";
import { readJson } from "../request.ts";
import type { Route } from "../router.ts";

async function create(x: Exchange): Promise<void> {
  const { readExecBody } = await import("../schemas.ts");
  const { ConsoleSize, ...body } = readExecBody(await readJson(x, true));
  if ((body.Cmd ?? []).length === 0)
    throw failure("invalid-parameter", { message: "No exec command specified" });
  const check = (): void =>
    void parseDetachKeys(body.DetachKeys, (keys) => `Invalid escape keys (${keys}) provided`);
  const sized = ConsoleSize !== undefined && body.Tty === true && x.version >= 42;
  x.json(201, await x.engine.execs.create(x.name, sized ? { ...body, ConsoleSize } : body, check));
}

async function start(x: Exchange): Promise<void> {
  const { readExecStartBody } = await import("../schemas.ts");
  const body = readExecStartBody(await readJson(x, true));
  const tty = body.Tty === true;
  const detach = body.Detach === true;
  const consoleSize = tty && x.version >= 42 ? body.ConsoleSize : undefined;
  try {
    const attachment = await x.engine.execs.start(x.name, {
      detach,
      tty,
      ...(consoleSize === undefined ? {} : { consoleSize }),
      ...(detach ? {} : { admitted: (terminal) => beginTakeOver(x, terminal, true) }),
    });
    if (attachment === undefined) return x.empty(200);
    const { stream, detachKeys } = attachment;
    await takeOver(x, stream, {
      tty: attachment.tty,
      input: true,
      engineHeaders: true,
      ...(attachment.tty ? { detachKeys: parseDetachKeys(detachKeys) } : {}),
    });
  } catch (error) {
    // What is wrong with the request has a status; why the process could not run is told in its stream.
    const refused = !(error instanceof CaissonError) || error.status === 404 || error.status === 409;
    if (detach || (refused && !hasBegun(x))) throw error;
    failInStream(x, tty, error);
  }
}

async function inspect(x: Exchange): Promise<void> {
  x.json(200, await x.engine.execs.inspect(x.name));
}

async function resize(x: Exchange): Promise<void> {
  const height = x.query.dimension("h", "height");
  await x.engine.execs.resize(x.name, height, x.query.dimension("w", "width"));
  x.empty(200);
}

export const execRoutes: readonly Route[] = [
  { method: "POST", path: "/containers/*name/exec", body: true, handler: create },
  { method: "POST", path: "/exec/:id/start", body: true, handler: start },
  { method: "POST", path: "/exec/:id/resize", handler: resize },
  { method: "GET", path: "/exec/:id/json", handler: inspect },
];
