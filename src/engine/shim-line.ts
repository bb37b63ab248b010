/**
 * Orders to a shim: its line is opened when the first one is given.
 * @module
 */
import { ShimConnection } from "../kernel/mod.ts";

/** Whoever has a shim: a container, an exec. */
export interface HasShim {
  shim: ShimConnection | undefined;
}

/** Gives an order to the shim at `socket`; one whose process exited meanwhile needs none. */
export async function orderShim(
  owner: HasShim,
  socket: string,
  order: (shim: ShimConnection) => void,
): Promise<void> {
  // One that broke a moment ago takes nothing any more.
  if (owner.shim === undefined || owner.shim.lost) {
    const forget = (): void => {
      owner.shim = undefined;
    };
    try {
      owner.shim = await ShimConnection.open(socket, () => undefined, forget);
    } catch {
      return;
    }
  }
  order(owner.shim);
}
