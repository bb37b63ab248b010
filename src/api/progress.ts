/**
 * Docker's progress streams: JSON objects that end with CR LF, and a failure as the last of them.
 * @module
 */
import type { Progress } from "../engine/mod.ts";
import { answerOf } from "./errors.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Answers with what long work reports. Until its first report a failure is an answer with its own status; afterwards
 * the status is 200 for good and the failure is the last line. The work is stopped when the client goes.
 */
export async function answerProgress(exchange: Exchange, work: AsyncGenerator<Progress>): Promise<void> {
  try {
    let next = await work.next();
    exchange.begin(200, "application/json");
    while (next.done !== true) {
      if (!(await exchange.write(`${JSON.stringify(next.value)}\r\n`))) return;
      next = await work.next();
    }
  } catch (error) {
    if (!exchange.response.headersSent) throw error;
    const { request, log, engine } = exchange;
    const { message } = answerOf(error, `${request.method} ${request.url}`, log, engine);
    await exchange.write(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
  } finally {
    await work.return(undefined);
  }
  exchange.response.end();
}
