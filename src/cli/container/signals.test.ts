import { expect, test } from "bun:test";
import { forwardSignals } from "./signals.ts";

/** Waits for the turn in which signals are delivered. */
async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !what(); i++) await Bun.sleep(1);
}

test("signals are passed on by their short names until it is ended, whatever comes of them", async () => {
  const passed: string[] = [];
  const end = forwardSignals((signal) => {
    passed.push(signal);
    return Promise.reject(new Error("the container is gone"));
  });
  const before = process.listenerCount("SIGUSR2");
  process.kill(process.pid, "SIGUSR2");
  await until(() => passed.length > 0);
  expect(passed).toEqual(["USR2"]);
  end();
  expect(process.listenerCount("SIGUSR2")).toBe(before - 1);
});

test("what is about this process itself stays", () => {
  const names = ["SIGCHLD", "SIGPIPE", "SIGWINCH"];
  const count = (): readonly number[] => names.map((name) => process.listenerCount(name));
  const before = count();
  const end = forwardSignals(async () => {});
  expect(count()).toEqual(before);
  end();
});
