/**
 * What a shim says of itself when an engine comes that didn't start it: an older build may have, or a newer one.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../errors/mod.ts";
import { ShimConnection, type ShimState } from "../kernel/mod.ts";

/** Milliseconds in which a shim says something, or is done with its program. */
const PATIENCE = 5000;
const SIGKILL = 9;

/** A shim that can't be followed, and why. */
export interface StrangeShim {
  readonly strange: string;
}

/** Its state; or that there is none; or that there is one which can't be followed: it may have a process all the same. */
export type ShimLook = ShimState | "gone" | StrangeShim;

/** Whether it can't be followed. */
export function isStrange(look: ShimLook): look is StrangeShim {
  return typeof look === "object" && "strange" in look;
}

/**
 * Asks the shim in `folder`, whose socket is reached by the path `socket`. One whose program is still running is waited
 * for. Nothing is done to it, but to one that is held for an engine that is gone: what it waits for doesn't come.
 */
export async function lookAtShim(folder: string, socket: string): Promise<ShimLook> {
  if (!existsSync(join(folder, "shim.sock"))) return "gone";
  const { promise, resolve } = Promise.withResolvers<ShimLook>();
  const held = Promise.withResolvers<void>();
  let said = "it doesn't answer";
  const timer = setTimeout(() => resolve({ strange: said }), PATIENCE);
  try {
    const connection = await ShimConnection.open(
      socket,
      (state) => {
        said = `it is still ${state.phase}`;
        if (state.phase === "held") held.resolve();
        else if (state.phase !== "starting") resolve(state.phase === "failed" ? "gone" : state);
      },
      () => resolve("gone"),
      (strange) => resolve({ strange }),
    );
    void held.promise.then(() => connection.signal(SIGKILL));
    const look = await promise;
    connection.close();
    return look;
  } catch (error) {
    return refused(error) ? "gone" : { strange: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Whether nobody listens any more. */
function refused(error: unknown): boolean {
  const { cause } = error as { readonly cause?: NodeJS.ErrnoException };
  return cause?.code === "ECONNREFUSED" || cause?.code === "ENOENT";
}
