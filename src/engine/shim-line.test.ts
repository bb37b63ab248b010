import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ShimConnection } from "../kernel/mod.ts";
import { orderShim, type HasShim } from "./shim-line.ts";

/** Somebody who plays the shim; what came on each line that was opened. */
let server: Server;
let folder: string;
let socket: string;
let lines: { readonly line: Socket; got: Buffer }[];
let came = Promise.withResolvers<void>();
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "caisson-line-"));
  socket = join(folder, "shim.sock");
  lines = [];
  server = createServer((line) => {
    const entry = { line, got: Buffer.alloc(0) };
    lines.push(entry);
    line.on("error", () => undefined);
    const tell = (): void => {
      came.resolve();
      came = Promise.withResolvers();
    };
    line.on("close", tell);
    line.on("data", (chunk: Buffer) => {
      entry.got = Buffer.concat([entry.got, chunk]);
      tell();
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});
afterEach(() => {
  for (const { line } of lines) line.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await came.promise;
};
/** A hello, and so many orders. */
const bytes = (orders: number): number => 8 + 8 * orders;
const open = (): Promise<ShimConnection> =>
  ShimConnection.open(
    socket,
    () => undefined,
    () => undefined,
  );

test("the first order opens a line, further ones take it", async () => {
  const owner: HasShim = { shim: undefined };
  await orderShim(owner, socket, (shim) => shim.signal(1));
  await orderShim(owner, socket, (shim) => shim.signal(2));
  await until(() => lines[0]?.got.length === bytes(2));
  expect(lines).toHaveLength(1);
  owner.shim?.close();
});

test("an order that comes while the line is made anew takes that one", async () => {
  const broken = await open();
  await until(() => lines[0]?.got.length === bytes(0));
  broken.close();
  await until(() => lines[0]?.line.destroyed === true);
  while (!broken.lost) await Bun.sleep(1);
  const followed = await open();
  await until(() => lines[1]?.got.length === bytes(0));
  const owner: HasShim = { shim: broken };
  const ordered = orderShim(owner, socket, (shim) => shim.signal(1));
  owner.shim = followed;
  await ordered;
  expect(owner.shim).toBe(followed);
  await until(() => lines[1]?.got.length === bytes(1));
  // The line that isn't needed is let go.
  await until(() => lines[2]?.line.destroyed === true);
  followed.close();
});

test("a line that breaks takes no other with it", async () => {
  const owner: HasShim = { shim: undefined };
  await orderShim(owner, socket, (shim) => shim.signal(1));
  const first = owner.shim;
  const followed = await open();
  owner.shim = followed;
  lines[0]?.line.destroy();
  while (first?.lost !== true) await Bun.sleep(1);
  expect(owner.shim).toBe(followed);
  followed.close();
});

test("of a shim that has gone nothing is wanted", async () => {
  const owner: HasShim = { shim: undefined };
  let ordered = 0;
  await orderShim(owner, join(folder, "nobody"), () => ordered++);
  expect([ordered, owner.shim]).toEqual([0, undefined]);
});
