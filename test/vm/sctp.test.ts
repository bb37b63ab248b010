/**
 * Published ports of SCTP, which few kernels have loaded: by the firewall from another host, by the proxy from this one.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { LAN, NetworkPlace } from "../network/engine/place.ts";
import { command, must, pidOf } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noSctp } from "../support/host-kernel.ts";
import { perlPath, script } from "../support/scripts.ts";
import { testUnless } from "../support/requires.ts";

/**
 * nft 1.0.6 has the kernel turn the bytes of `meta l4proto` round, though it is one byte, before it looks into a set of ranges.
 * Linux 7.2 refuses that operation, and with it the engine's table.
 */
function nftRefused(): string | undefined {
  const table = `table inet t {
    set s { type inet_proto . inet_service; flags interval; }
    chain c { meta l4proto . th dport @s accept; }
  }`;
  const { status } = spawnSync("unshare", ["--net", "nft", "-f", "-"], { input: table });
  return status === 0 ? undefined : "this nft makes rules that this kernel refuses";
}

const missing = noSctp ?? nftRefused();
const check = testUnless(missing);
const program = [perlPath, script("vm/sctp.pl")] as const;

let engine: TestEngine;
let place: NetworkPlace;
const servers: ChildProcess[] = [];
beforeAll(async () => {
  if (missing !== undefined) return;
  engine = await TestEngine.start();
  place = await NetworkPlace.around(engine);
});
afterAll(async () => {
  for (const server of servers) server.kill("SIGKILL");
  if (missing === undefined) await place[Symbol.asyncDispose]();
});

/** Serves a port in a container's network namespace. */
async function serve(container: string, port: number): Promise<void> {
  const inside = ["-t", String(await pidOf(engine, container)), "-n"];
  const server = spawn("nsenter", [...inside, ...program, "serve", "0.0.0.0", String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.stdout.once("data", () => resolve());
    server.once("exit", (code) => reject(new Error(`the server has ended: ${code}`)));
  });
}

/** What it answers whoever asks from the neighbour, or from the engine's own host. */
const ask = (from: "neighbour" | "host", address: string, port: number): string =>
  place[from].sh(`${program.join(" ")} ask ${address} ${port} hello`);

const idle = ["busybox", "sleep", "1000"];

check("a port, a range and one that is moved answer from another host and from this one", async () => {
  must(engine, [
    "run",
    "-d",
    "--name=web",
    "-p",
    "3868:3868/sctp",
    "-p",
    "4000-4002:5000-5002/sctp",
    ...idle,
  ]);
  await serve("web", 3868);
  await serve("web", 5001);
  expect(must(engine, ["port", "web", "3868/sctp"]).split("\n").sort()).toEqual([
    "0.0.0.0:3868",
    "[::]:3868",
  ]);
  expect(ask("neighbour", LAN.host, 3868)).toBe(`hello from ${LAN.neighbour} at 3868`);
  expect(ask("neighbour", LAN.host, 4001)).toBe(`hello from ${LAN.neighbour} at 5001`);
  expect(ask("host", LAN.host, 3868)).toMatch(/^hello from [\d.]+ at 3868$/);
  expect(ask("host", "127.0.0.1", 3868)).toMatch(/^hello from [\d.]+ at 3868$/);
  // Another protocol's port of the same number is another port.
  must(engine, ["run", "-d", "--name=tcp", "-p", "3868:80/tcp", ...idle]);
  const taken = command(engine, ["run", "--rm", "-p", "3868:1/sctp", ...idle]);
  expect(taken.code).toBe(125);
  expect(taken.stderr).toContain("port is already allocated");
  must(engine, ["rm", "-f", "web"]);
  expect(() => ask("neighbour", LAN.host, 3868)).toThrow("connect: ");
});
