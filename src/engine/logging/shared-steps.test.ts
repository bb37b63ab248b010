import { expect, test } from "bun:test";
import { SharedSteps, type Step } from "./shared-steps.ts";

test("a step is made once for all who are at the same place of the same file and want the same", async () => {
  const steps = new SharedSteps();
  let made = 0;
  const make = async (): Promise<Step> => ({ chunks: [Buffer.from("line\n")], to: 10 + ++made });
  const [first, second] = await Promise.all([
    steps.take("log raw", 7n, 0, make),
    steps.take("log raw", 7n, 0, make),
  ]);
  expect(second).toBe(first);
  await steps.take("log framed", 7n, 0, make);
  await steps.take("log raw", 8n, 0, make);
  await steps.take("log raw", 8n, 5, make);
  expect(made).toBe(4);
});

test("one that found nothing, or failed, isn't kept", async () => {
  const steps = new SharedSteps();
  await steps.take("log", 7n, 5, async () => ({ chunks: [], to: 5 }));
  await steps.take("log", 7n, 5, () => Promise.reject(new TypeError("gone"))).catch(() => undefined);
  const { to } = await steps.take("log", 7n, 5, async () => ({ chunks: [], to: 9 }));
  expect(to).toBe(9);
});

test("who was woken late finds the steps of who was first, as long as they aren't many", async () => {
  const steps = new SharedSteps();
  let made = 0;
  const from = (at: number): Promise<Step> =>
    steps.take("log", 7n, at, async () => ({ chunks: [], to: at + ++made }));
  for (const at of [0, 1, 2, 3, 4, 5, 6, 7]) await from(at);
  await from(0);
  expect(made).toBe(8);
  await from(8);
  await from(0);
  expect(made).toBe(10);
});

test("of a file that was closed nothing is kept, since another one may get its inode", async () => {
  const steps = new SharedSteps();
  let made = 0;
  const make = async (): Promise<Step> => ({ chunks: [], to: ++made });
  for (const key of ["raw", "framed"]) await steps.take(key, 7n, 0, make);
  await steps.take("raw", 8n, 0, make);
  steps.forget(7n);
  for (const key of ["raw", "framed"]) await steps.take(key, 7n, 0, make);
  await steps.take("raw", 8n, 0, make);
  expect(made).toBe(5);
});
