/**
 * Asks 127.0.0.11 by UDP: `dns-flood TOTAL RATE NAME`. Says how many queries were answered with an address, in the end as a
 * line of JSON: when all were, or none has come for ten seconds.
 * @module
 */
import { createSocket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { encodeMessage, types } from "../../src/network/dns/codec.ts";

const [total, rate] = process.argv.slice(2, 4).map(Number);
const name = process.argv[4] ?? "";
const resolver = "127.0.0.11";

function query(id: number): Uint8Array {
  const questions = [{ name, type: types.A, class: 1 }];
  const message = { id, flags: 0x100, questions, answers: [], authorities: [], additionals: [] };
  return encodeMessage(message) ?? new Uint8Array();
}

/** So many that their buffers, which the host limits, hold all answers while this process doesn't get to run. */
const sockets = Array.from({ length: 64 }, () => createSocket({ type: "udp4", recvBufferSize: 4 << 20 }));
let answered = 0;
let last = performance.now();
for (const socket of sockets) {
  socket.on("message", (bytes) => {
    // No error, one answer.
    if (((bytes[3] ?? 0) & 15) === 0 && bytes[7] === 1) answered += 1;
    last = performance.now();
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
}

const from = performance.now();
for (let sent = 0; sent < (total ?? 0); await delay(1)) {
  const due = Math.min(total ?? 0, Math.ceil(((performance.now() - from) / 1000) * (rate ?? 0)));
  for (; sent < due; sent += 1) sockets[sent % sockets.length]?.send(query(sent & 0xffff), 53, resolver);
}
while (answered < (total ?? 0) && performance.now() - last < 10_000) await delay(5);
console.log(JSON.stringify({ answered }));
process.exit(0);
