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
  if (usable(owner) === undefined) {
    let line: ShimConnection;
    try {
      line = await ShimConnection.open(
        socket,
        () => undefined,
        () => {
          if (owner.shim === line) owner.shim = undefined;
        },
      );
    } catch {
      return;
    }
    // Whoever follows the shim may have a line again, which hears of the exit.
    if (usable(owner) === undefined) owner.shim = line;
    else line.close();
  }
  const shim = usable(owner);
  if (shim !== undefined) order(shim);
}

/** The owner's line; one that broke a moment ago takes nothing any more. */
function usable({ shim }: HasShim): ShimConnection | undefined {
  return shim?.lost === true ? undefined : shim;
}
