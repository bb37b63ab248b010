/**
 * A name server for tests: `dns-upstream ADDRESS…`. Says `ready`, then every question that it gets as a line of JSON. What it
 * answers is in the name: hang, servfail, refused, nx, big (whole by TCP alone), spoof (two forgeries come first); for all
 * others one address, whose last number is the server's.
 * @module
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import {
  decodeMessage,
  encodeMessage,
  types,
  type Message,
  type Question,
  type ResourceRecord,
} from "../../src/network/dns/codec.ts";

/** What the server tells of a question. */
export interface Seen {
  readonly server: string;
  readonly transport: "udp" | "tcp";
  readonly id: number;
  readonly port: number;
  readonly name: string;
}

function address(question: Question, text: string): ResourceRecord {
  return { ...question, type: types.A, class: 1, ttl: 60, data: { kind: "address", address: text } };
}

function answersTo(query: Message, server: string, transport: "udp" | "tcp"): Message[] {
  const [question] = query.questions;
  if (question === undefined || question.name.includes("hang")) return [];
  const answer = (flags: number, answers: readonly ResourceRecord[] = []): Message => ({
    ...query,
    flags: 0x8180 | flags,
    answers,
    additionals: [],
  });
  const [word] = question.name.split(".");
  const number = server.split(".").at(-1) ?? "0";
  switch (word) {
    case "servfail":
      return [answer(2)];
    case "refused":
      return [answer(5)];
    case "nx":
      return [answer(3)];
    case "big": {
      if (transport === "udp") return [answer(0x200)];
      return [
        answer(
          0,
          Array.from({ length: 60 }, (_, at) => address(question, `10.1.2.${at}`)),
        ),
      ];
    }
    case "spoof": {
      const forged = [address(question, "6.6.6.6")];
      return [
        { ...answer(0, forged), id: query.id ^ 1 },
        { ...answer(0, forged), questions: [{ ...question, name: "other.example" }] },
        answer(0, [address(question, `10.1.1.${number}`)]),
      ];
    }
    default:
      return [answer(0, [address(question, `10.1.1.${number}`)])];
  }
}

function take(bytes: Uint8Array, server: string, transport: "udp" | "tcp", port: number): Uint8Array[] {
  const query = decodeMessage(bytes);
  if (query === undefined) return [];
  const seen: Seen = { server, transport, id: query.id, port, name: query.questions[0]?.name ?? "" };
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  return answersTo(query, server, transport).flatMap((answer) => encodeMessage(answer) ?? []);
}

async function serve(server: string): Promise<void> {
  const udp = createSocket("udp4");
  udp.on("message", (bytes, from) => {
    for (const answer of take(bytes, server, "udp", from.port)) udp.send(answer, from.port, from.address);
  });
  const tcp = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      for (const answer of take(chunk.subarray(2), server, "tcp", socket.remotePort ?? 0))
        socket.write(Buffer.concat([Uint8Array.of(answer.length >> 8, answer.length & 255), answer]));
    });
  });
  await new Promise<void>((resolve) => udp.bind(53, server, resolve));
  await new Promise<void>((resolve) => tcp.listen(53, server, resolve));
}

if (import.meta.main) {
  for (const server of process.argv.slice(2)) await serve(server);
  process.stdout.write("ready\n");
}
