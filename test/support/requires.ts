/**
 * Tests that need what not every machine has: they are skipped with a reason, which `make test` prints.
 * @module
 */
import { test } from "bun:test";

/** A test's body. */
export type Body = () => void | Promise<unknown>;

/**
 * `test`, or a skipped one whose name ends with the reason.
 * @param missing what is missing here; undefined when everything is there
 * @param run how it runs: `test.concurrent` for those that run beside others of their file
 * @returns a function to call like `test`, with the limit in ms as its third argument
 */
export function testUnless(
  missing: string | undefined,
  run: (name: string, body: Body, timeout?: number) => void = test,
): (name: string, body: Body, timeout?: number) => void {
  return (name, body, timeout) => {
    if (missing === undefined) run(name, body, timeout);
    else test.skip(`${name} (skipped: ${missing})`, body);
  };
}
