/**
 * A daemon that does nothing and answers at once: what docker's command line costs by itself. It answers what
 * `docker run --rm` and `docker exec` ask for. Run as `bun instant-daemon.ts SOCKET`.
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

const id = "0".repeat(64);
/** The connection that output would come on; it ends when the process is started. */
let attached: Duplex | undefined;
/** The client that waits for the end. */
let waiting: ServerResponse | undefined;

const answers: readonly (readonly [RegExp, number, string])[] = [
  [/\/_ping$/, 200, "OK"],
  [/\/containers\/create/, 201, JSON.stringify({ Id: id, Warnings: [] })],
  [/\/containers\/[^/]+\/exec$/, 201, JSON.stringify({ Id: id })],
  [/\/exec\/[^/]+\/json$/, 200, JSON.stringify({ ID: id, Running: false, ExitCode: 0, Pid: 1 })],
  [
    /\/containers\/[^/]+\/json/,
    200,
    JSON.stringify({ Id: id, Config: { Tty: false }, State: { Running: true } }),
  ],
];

function answer(message: IncomingMessage, response: ServerResponse): void {
  message.resume();
  response.setHeader("Api-Version", "1.51");
  response.setHeader("Ostype", "linux");
  const path = (message.url ?? "").split("?")[0] ?? "";
  if (path.endsWith("/wait")) {
    response.writeHead(200, { "Content-Type": "application/json" }).flushHeaders();
    waiting = response;
    return;
  }
  if (path.endsWith("/start")) {
    response.writeHead(204).end();
    attached?.end();
    waiting?.end(JSON.stringify({ StatusCode: 0 }));
    return;
  }
  const found = answers.find(([pattern]) => pattern.test(path));
  if (found === undefined) return void response.writeHead(404).end(JSON.stringify({ message: path }));
  const [, status, text] = found;
  response.writeHead(status, {
    "Content-Type": status === 200 && text === "OK" ? "text/plain" : "application/json",
  });
  response.end(message.method === "HEAD" ? undefined : text);
}

const server = createServer(answer);
server.on("upgrade", (message: IncomingMessage, socket: Duplex) => {
  socket.on("error", () => socket.destroy());
  socket.write(
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
  );
  // An exec starts by this very request and has ended at once; a container starts by another.
  if ((message.url ?? "").includes("/exec/")) socket.end();
  else attached = socket;
});
server.listen(process.argv[2]);
