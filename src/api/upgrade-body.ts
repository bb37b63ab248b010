/**
 * Bodies of requests that ask for an upgrade. HTTP's parser leaves the connection to us at the end of the headers, so
 * the body is the connection's next bytes; what follows it is the stream's input. (`docker exec` sends such requests.)
 * @module
 */
import type { IncomingMessage } from "node:http";
import { failure } from "../errors/mod.ts";
import type { Exchange } from "./exchange.ts";
import type { Inflow } from "./inflow.ts";

const limit = 1 << 20;
/** A chunk's size with extensions. */
const lineLimit = 256;

/** Takes the body off the connection, whose next bytes are then the stream's. Throws 400 if it isn't whole. */
export async function readUpgradeBody(request: IncomingMessage, inflow: Inflow): Promise<string> {
  if (request.headers["transfer-encoding"] === undefined) {
    const length = Number(request.headers["content-length"] ?? 0);
    return (await inflow.take(checked(length))).toString();
  }
  const chunks: Buffer[] = [];
  for (let total = 0; ;) {
    const size = Number.parseInt(await inflow.takeLine(lineLimit), 16);
    if (!(size >= 0)) throw failure("invalid-parameter", { message: "invalid chunk of the request's body" });
    total = checked(total + size);
    chunks.push(await inflow.take(size));
    await inflow.takeLine(lineLimit);
    if (size === 0) return Buffer.concat(chunks).toString();
  }
}

/**
 * Drops a body that means nothing: dockerode sends the options of an attach as JSON too, and Node's HTTP client an
 * empty chunked body before the stream when a POST has no length. Otherwise it would be the process's first input.
 */
export async function dropUpgradeBody(exchange: Exchange): Promise<void> {
  const { request, inflow } = exchange;
  if (inflow === undefined) return;
  if (request.headers["transfer-encoding"] === undefined) await readUpgradeBody(request, inflow);
  else inflow.drop("0\r\n\r\n");
}

function checked(length: number): number {
  if (length > limit)
    throw failure("invalid-parameter", { message: `the request's body is larger than ${limit} bytes` });
  return length;
}
