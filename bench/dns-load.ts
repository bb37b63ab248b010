/**
 * Queries as fast as they are answered. `bun dns-load.ts ADDRESS NAME COUNT` keeps 64 A queries on their way, from one
 * socket, and says JSON: microseconds in all and how many were never answered, within 2 s, or without an address.
 * @module
 */
import { createSocket } from "node:dgram";

const window = 64;
const patience = 2000;
const [server = "", name = "", words = ""] = process.argv.slice(2);
const count = Number(words);

/** A query for an A record (RFC 1035, section 4). */
function query(id: number): Buffer {
  const labels = name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([
    Buffer.from([id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels,
    Buffer.from([0, 0, 1, 0, 1]),
  ]);
}

const waiting = new Set<number>();
let sent = 0;
let bad = 0;
const began = performance.now();
let last = began;
const socket = createSocket("udp4");
const send = (): void => {
  while (sent < count && waiting.size < window) {
    const id = sent++ % 65536;
    waiting.add(id);
    socket.send(query(id), 53, server);
  }
};
const finish = (): void => {
  console.log(JSON.stringify({ microseconds: (last - began) * 1000, lost: waiting.size + bad }));
  process.exit(0);
};
socket.on("message", (answer) => {
  if (!waiting.delete(answer.readUInt16BE(0))) return;
  last = performance.now();
  // RCODE and ANCOUNT.
  if (((answer[3] ?? 0) & 15) !== 0 || answer.readUInt16BE(6) === 0) bad++;
  if (sent === count && waiting.size === 0) finish();
  send();
});
// What is lost keeps its place in the window, so this is not told from being slow until nothing comes any more.
setInterval(() => {
  if (performance.now() - last > patience) finish();
}, 200);
socket.bind(0, send);
