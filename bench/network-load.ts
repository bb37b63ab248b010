/**
 * Small requests over TCP. `bun network-load.ts serve PORT` echoes on all addresses; `… ask ADDRESS PORT COUNT` sends one
 * byte and waits for it, so often, over one connection, and says the median's microseconds.
 * @module
 */
import { connect, createServer } from "node:net";
import { summarize } from "./statistics.ts";

const [role = "", ...words] = process.argv.slice(2);
if (role === "serve") {
  createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (data) => socket.write(data));
    socket.on("end", () => socket.end());
  }).listen(Number(words[0]), "::");
} else {
  const [host = "", port = "", count = ""] = words;
  console.log(await ask(host, Number(port), Number(count)));
}

/** The median of `count` exchanges; as many again before them are not counted. */
function ask(host: string, port: number, count: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const samples: number[] = [];
  let sent = 0;
  const socket = connect({ host, port, noDelay: true });
  const send = (): void => {
    sent = performance.now();
    socket.write("x");
  };
  socket.on("connect", send).on("error", reject);
  socket.on("data", () => {
    samples.push((performance.now() - sent) * 1000);
    if (samples.length < 2 * count) return send();
    socket.destroy();
    resolve(summarize(samples.slice(count)).median);
  });
  return promise;
}
