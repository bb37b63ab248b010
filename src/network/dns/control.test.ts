import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { LineReader, serveControl } from "./control.ts";
import { Zone } from "./zone.ts";

test("lines come whole, however bytes are cut", () => {
  const lines = fc.array(
    fc.string({ unit: "grapheme", maxLength: 10 }).map((text) => text.replaceAll("\n", "")),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(lines, fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 30 }), (texts, cuts) => {
      const bytes = Buffer.from(texts.map((text) => `${text.toWellFormed()}\n`).join(""));
      const reader = new LineReader();
      const found: string[] = [];
      let at = 0;
      for (const size of [...cuts, bytes.length]) {
        found.push(...reader.push(bytes.subarray(at, at + size)));
        at = Math.min(bytes.length, at + size);
      }
      expect(found).toEqual(texts.map((text) => text.toWellFormed()));
    }),
  );
});

let folder: string;
let server: Server;
let client: Socket;
let heard: string;
let ended: boolean;
let zone: Zone;
const calls: string[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "caisson-control-"));
  zone = new Zone();
  calls.length = 0;
  [heard, ended] = ["", false];
  server = createServer((socket) =>
    serveControl(socket, zone, {
      version: "1",
      leave: () => void calls.push("leave"),
      changed: () => void calls.push("changed"),
    }),
  );
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
  client = connect(join(folder, "s"));
  client.on("data", (bytes) => (heard += bytes.toString()));
  client.on("close", () => (ended = true));
});
afterEach(() => {
  client.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await Bun.sleep(5);
  expect(condition()).toBe(true);
}

const network = { id: "n", name: "net", internal: false };
const endpoint = { id: "e", network: "n", container: "c", names: ["web"], ipv4: "10.0.0.2" };
const container = { id: "c", networks: ["n"], links: {}, servers: null, ndots: 0 };
const state = { networks: [network], endpoints: [endpoint], containers: [container] };
const line = (value: object): string => `${JSON.stringify(value)}\n`;

test("a state, then changes; the last of what came together is acknowledged", async () => {
  client.write(line({ op: "state", version: "1", state, sequence: 1 }));
  await until(() => heard === '{"taken":1}\n');
  expect(zone.state()).toEqual(state);
  client.write(
    line({ op: "endpoint-gone", id: "e", sequence: 2 }) + line({ op: "network-gone", id: "n", sequence: 3 }),
  );
  await until(() => heard.endsWith('{"taken":3}\n'));
  expect(zone.state().endpoints).toEqual([]);
  expect(calls).toContain("changed");
});

test("an engine of another version has this one leave", async () => {
  client.write(line({ op: "state", version: "2", state, sequence: 1 }));
  await until(() => calls.length > 0);
  expect([calls, heard]).toEqual([["leave"], ""]);
  expect(zone.state().networks).toEqual([]);
});

test("a line that is none ends the connection, after what came before it", async () => {
  client.write(`${line({ op: "network", network, sequence: 4 })}nonsense\n`);
  await until(() => ended && calls.length > 0);
  expect(calls).toEqual(["changed"]);
});
