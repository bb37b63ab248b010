/**
 * A host of a test's network: it serves and asks as it is told, a request as JSON on each line of its input, an answer on
 * each line of its output. world.ts starts it in a network namespace of its own.
 * @module
 */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

/** What an agent is told to do. */
export interface AgentRequest {
  readonly do: "serve" | "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  /** Milliseconds until an answer is given up. */
  readonly patience?: number;
}

/** Says to whoever comes whom it sees, and at which port. */
function serve({ address, port }: AgentRequest): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(`${socket.remoteAddress?.replace(/^::ffff:/, "")} at ${socket.localPort}`);
  });
  const datagrams = createSocket({ type: address.includes(":") ? "udp6" : "udp4" });
  datagrams.on("message", (_, from) => {
    datagrams.send(`${from.address.replace(/^::ffff:/, "")} at ${port}`, from.port, from.address);
  });
  // Who asked may have gone.
  datagrams.on("error", () => undefined);
  datagrams.bind(port, address);
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, address, () => resolve("serving"));
  });
}

function askTcp({ address, port, patience }: AgentRequest): Promise<string> {
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => {
      resolve("silence");
      socket.destroy();
    }, patience);
    socket.on("data", (chunk) => (heard += chunk.toString()));
    socket.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(heard);
    });
  });
}

function askUdp({ address, port, patience }: AgentRequest): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    const end = (result: string): void => {
      clearTimeout(timer);
      resolve(result);
      socket.close();
    };
    const timer = setTimeout(() => end("silence"), patience);
    socket.on("message", (message) => end(message.toString()));
    socket.on("error", (error) => end(error.message));
    socket.send("?", port, address);
  });
}

if (import.meta.main) {
  const work = { serve, tcp: askTcp, udp: askUdp };
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { id, ...request } = JSON.parse(line) as AgentRequest & { readonly id: number };
    const answer = (result: string): void => {
      process.stdout.write(`${JSON.stringify({ id, result })}\n`);
    };
    work[request.do](request).then(answer, (error: unknown) => answer(`error: ${String(error)}`));
  });
  process.stdin.on("end", () => process.exit());
}
