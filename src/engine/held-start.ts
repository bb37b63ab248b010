/**
 * What is done while a container's process is held: CNI's plugins work in its network namespace, which is there, before
 * anything of the container runs.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../errors/mod.ts";
import { ShimConnection, type StartedShim } from "../kernel/mod.ts";

/** Milliseconds between looks for the shim's socket. */
const GLANCE = 2;
const SIGKILL = 9;

/**
 * Follows the start of a shim whose program holds; `work` is done with the pid of the process that is held, then it goes on.
 * @param starting resolves when the program is done, rejects when it failed
 * @throws what `work` throws, once the process is killed; what `starting` rejects with
 */
export async function whileHeld(
  socket: string,
  starting: Promise<StartedShim>,
  work: (pid: number) => Promise<void>,
): Promise<StartedShim> {
  const held = Promise.withResolvers<number>();
  // If it fails before it holds, that is the news.
  starting.catch(held.reject);
  held.promise.catch(() => undefined);
  const shim = await connect(socket, starting, held);
  try {
    await work(await held.promise);
  } catch (error) {
    // The shim's program notices, and fails.
    shim?.signal(SIGKILL);
    await starting.catch(() => undefined);
    shim?.close();
    throw error;
  }
  shim?.go();
  const started = await starting;
  shim?.close();
  return started;
}

/** The line to a shim that is only being started. */
async function connect(
  socket: string,
  starting: Promise<StartedShim>,
  held: PromiseWithResolvers<number>,
): Promise<ShimConnection | undefined> {
  let over = false;
  const end = (): void => void (over = true);
  starting.then(end, end);
  while (!over) {
    try {
      return await ShimConnection.open(
        socket,
        ({ phase, pid }) => {
          if (phase === "held") held.resolve(pid);
        },
        () => held.reject(failure("unavailable", { message: "the container's shim is gone" })),
      );
    } catch {
      await sleep(GLANCE);
    }
  }
  return undefined;
}
