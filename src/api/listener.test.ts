import { expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refusal } from "./fake-engine.ts";
import { listen } from "./listener.ts";

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "listen-"));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test("the socket has mode 0660, nothing else is left, and closing removes it", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "new", "a.sock");
    const listener = await listen(path, (socket) => socket.end("hello"), undefined);
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    expect((await stat(join(directory, "new"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(directory, "new"))).toEqual(["a.sock"]);
    const text = await new Promise((resolve) =>
      connect(path).once("data", (data) => resolve(data.toString())),
    );
    expect(text).toBe("hello");
    expect(await refusal(listen(path, () => {}, undefined))).toContain(`another process listens at ${path}`);
    await listener.close();
    expect(await readdir(join(directory, "new"))).toEqual([]);
  }));

test("a socket that nobody listens at is replaced; what isn't a socket stays", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a.sock");
    const child = Bun.spawnSync([
      process.execPath,
      "-e",
      `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`,
    ]);
    expect([child.signalCode, (await stat(path)).isSocket()]).toEqual(["SIGKILL", true]);
    const listener = await listen(path, () => {}, undefined);
    await listener.close();
    await writeFile(path, "precious");
    expect(await refusal(listen(path, () => {}, undefined))).toContain("exists and is not a socket");
    const folder = join(directory, "folder");
    await mkdir(folder);
    expect(await refusal(listen(folder, () => {}, undefined))).toContain("exists and is not a socket");
  }));

test("closing leaves a socket that another engine put in its place", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a.sock");
    const first = await listen(path, () => {}, undefined);
    await rm(path);
    const second = await listen(path, () => {}, undefined);
    await first.close();
    expect((await stat(path)).isSocket()).toBe(true);
    await second.close();
  }));
