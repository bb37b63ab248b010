/**
 * Keeps the size of a container's terminal that of ours.
 * @module
 */
import type { Context } from "../command.ts";

/** Sets a size, in characters. */
export type Resize = (size: { readonly height: number; readonly width: number }) => Promise<void>;

const attempts = 10;

/**
 * Sets the size now and whenever ours changes. A container that has only just been started may not have its terminal yet:
 * it is tried again, a little later each time.
 * @returns what ends it
 */
export async function followSize(context: Context, resize: Resize): Promise<() => void> {
  const { onResize, terminalSize } = await import("../terminal.ts");
  const once = async (): Promise<boolean> => {
    const size = terminalSize(1);
    if (size.height === 0 && size.width === 0) return true;
    return resize(size).then(
      () => true,
      () => false,
    );
  };
  const end = onResize(() => void once());
  if (!(await once())) void retry(context, once);
  return end;
}

async function retry(context: Context, once: () => Promise<boolean>): Promise<void> {
  for (let i = 1; i <= attempts; i++) {
    await new Promise((resolve) => setTimeout(resolve, i * 10));
    if (await once()) return;
  }
  context.stderr.line("failed to resize tty, using default size");
}
