/**
 * Questions for others: sent to one server after the other until one answers. Each query has a random id and a socket, so a
 * source port, of its own; only an answer from that server, with that id, to that question is taken.
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { bits, codes, headerLength, readQuestion, type Question } from "./codec.ts";
import { Reader } from "./wire.ts";

/** Where servers listen. */
const serverPort = 53;
/** Milliseconds until the next server is asked. */
const patience = 4000;
/** Questions of one container that may wait for an answer, as with Docker. */
const mostPerContainer = 1024;
/** Those of all containers: each is a socket. */
const mostInAll = 4096;

/** Sends queries on. */
export class Forwarder {
  readonly #inFlight = new Map<string, number>();
  #total = 0;

  /**
   * The answer to `query` (a whole message with this one question) of the first of `servers` that has one, with the query's
   * id. Undefined: none has, or too many of this container's questions wait already.
   */
  async ask(
    container: string,
    servers: readonly string[],
    query: Uint8Array,
    question: Question,
    transport: "udp" | "tcp",
  ): Promise<Uint8Array | undefined> {
    const waiting = this.#inFlight.get(container) ?? 0;
    if (waiting >= mostPerContainer || this.#total >= mostInAll) return undefined;
    this.#inFlight.set(container, waiting + 1);
    this.#total += 1;
    try {
      for (const server of servers) {
        const answer = await askServer(server, query, question, transport);
        if (answer === undefined) continue;
        const result = Uint8Array.from(answer);
        result.set(query.subarray(0, 2));
        return result;
      }
      return undefined;
    } finally {
      this.#total -= 1;
      const left = (this.#inFlight.get(container) ?? 1) - 1;
      if (left === 0) this.#inFlight.delete(container);
      else this.#inFlight.set(container, left);
    }
  }
}

/** One server's answer; undefined when it has none within {@link patience}, or says that it can't. */
async function askServer(
  server: string,
  query: Uint8Array,
  question: Question,
  transport: "udp" | "tcp",
): Promise<Uint8Array | undefined> {
  const deadline = performance.now() + patience;
  if (transport === "tcp") return usable(await askByTcp(server, query, question, deadline));
  const short = usable(await askByUdp(server, query, question, deadline));
  if (short === undefined || ((short[2] ?? 0) & (bits.truncated >> 8)) === 0) return short;
  return usable(await askByTcp(server, query, question, deadline)) ?? short;
}

function usable(answer: Uint8Array | undefined): Uint8Array | undefined {
  const code = (answer?.[3] ?? 0) & 0x0f;
  return code === codes.failed || code === codes.refused ? undefined : answer;
}

/** The query under an id that nobody can foresee. */
function renumbered(query: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(query);
  crypto.getRandomValues(copy.subarray(0, 2));
  return copy;
}

/** Whether `answer` answers what was sent. */
function answers(answer: Uint8Array, sent: Uint8Array, question: Question): boolean {
  if (answer.length < headerLength || answer[0] !== sent[0] || answer[1] !== sent[1]) return false;
  if (((answer[2] ?? 0) & 0x80) === 0) return false;
  const header = new Reader(answer, 4);
  // A server that refuses or fails may leave the question out.
  if (header.u16() === 0) return ((answer[3] ?? 0) & 0x0f) !== codes.ok;
  const reader = new Reader(answer, headerLength);
  const repeated = readQuestion(reader);
  return (
    !reader.bad &&
    repeated.type === question.type &&
    repeated.class === question.class &&
    repeated.name.toLowerCase() === question.name.toLowerCase()
  );
}

function askByUdp(
  server: string,
  query: Uint8Array,
  question: Question,
  deadline: number,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const sent = renumbered(query);
    const socket = createSocket(isIPv6(server.replace(/%.*$/, "")) ? "udp6" : "udp4");
    let finished = false;
    const finish = (answer: Uint8Array | undefined): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(finish, deadline - performance.now(), undefined);
    socket.on("error", () => finish(undefined));
    socket.on("message", (answer) => {
      if (answers(answer, sent, question)) finish(answer);
    });
    // Connected: the kernel takes packets of this server alone, and tells when nobody listens there.
    connectUdp(socket, server, (problem) => {
      if (problem !== undefined) finish(undefined);
      else socket.send(sent, (unsent) => unsent && finish(undefined));
    });
  });
}

/** `connected` hears of a failure, which node hands to the callback and to nobody else. */
function connectUdp(socket: Socket, server: string, connected: (problem?: unknown) => void): void {
  const callback: (problem?: unknown) => void = (problem) => connected(problem ?? undefined);
  try {
    socket.connect(serverPort, server, callback);
  } catch (error) {
    connected(error);
  }
}

function askByTcp(
  server: string,
  query: Uint8Array,
  question: Question,
  deadline: number,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const sent = renumbered(query);
    const socket = connect({ host: server, port: serverPort });
    let received = Buffer.alloc(0);
    const finish = (answer: Uint8Array | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, deadline - performance.now(), undefined);
    socket.on("error", () => finish(undefined));
    socket.on("close", () => finish(undefined));
    socket.on("connect", () => {
      const framed = Buffer.alloc(2 + sent.length);
      framed.writeUInt16BE(sent.length, 0);
      framed.set(sent, 2);
      socket.write(framed);
    });
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const length = received.length < 2 ? Infinity : received.readUInt16BE(0);
      if (received.length < 2 + length) return;
      const answer = received.subarray(2, 2 + length);
      finish(answers(answer, sent, question) ? answer : undefined);
    });
  });
}
