/**
 * Sockets that systemd has opened: `fd://`.
 */
import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/containers.ts";
import { ask, caisson } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { perlPath, script } from "../support/scripts.ts";

interface Activated extends AsyncDisposable {
  readonly pid: number;
  readonly socket: string;
  readonly log: () => string;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts an engine that is handed two sockets, in a network namespace of its own. */
function activate(flags: readonly string[]): Activated {
  const folder = mkdtempSync(join(tmpdir(), "caisson-fd."));
  const socket = join(folder, "sock");
  const places = [`--data-root=${folder}/data`, `--exec-root=${folder}/run`, `--pidfile=${folder}/pid`];
  const output = openSync(join(folder, "log"), "a");
  const engine = spawn(
    "unshare",
    [
      "--net",
      perlPath,
      script("daemon/activate.pl"),
      socket,
      "23770",
      caisson,
      "daemon",
      "-H",
      "fd://",
      ...places,
      ...flags,
    ],
    { cwd: "/", stdio: ["ignore", output, output] },
  );
  closeSync(output);
  const ended = new Promise<number | null>((resolve) => engine.once("exit", resolve));
  return {
    pid: engine.pid ?? 0,
    socket,
    log: () => readFileSync(join(folder, "log"), "utf8"),
    ended,
    [Symbol.asyncDispose]: async () => {
      engine.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test("both sockets are served, and nobody who is started by the engine has them", async () => {
  await using engine = activate(["--insecure-tcp"]);
  const { socket, pid } = engine;
  await eventually("the engine answers", async () =>
    (await ask(socket, "GET", "/_ping").catch(() => undefined))?.status === 200 ? true : undefined,
  );
  expect(engine.log()).toContain("API listen on fd://3");
  expect(engine.log()).toContain("API listen on fd://4");
  await importBusybox({ request: async (method, path, body) => ask(socket, method, path, body) });
  const opened = [3, 4].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  expect(children.length).toBeGreaterThan(0);
  const theirs = children.flatMap((child) =>
    readdirSync(`/proc/${child}/fd`).map((fd) => readlinkSync(`/proc/${child}/fd/${fd}`)),
  );
  expect(theirs.filter((link) => opened.includes(link))).toEqual([]);
  process.kill(pid, "SIGTERM");
  expect(await engine.ended).toBe(0);
  // It is systemd's.
  expect(statSync(socket).isSocket()).toBe(true);
});

test("a TCP socket without TLS is refused, whoever has opened it", async () => {
  await using engine = activate([]);
  expect(await engine.ended).toBe(1);
  expect(engine.log()).toContain("fd://4: without --tlsverify everybody who reaches this address is root");
});
