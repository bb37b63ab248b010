import { expect, test } from "bun:test";
import { Container } from "./container-store.ts";
import { newState, type ContainerRecord } from "./container.ts";
import { waitForContainer } from "./waiting.ts";

const make = (state: object): Container =>
  new Container({ id: "a" } as ContainerRecord, "a", { ...newState(), ...state });

test("whoever waits for one that doesn't run has the answer at once", async () => {
  const { done } = waitForContainer(make({ status: "exited", exitCode: 3, error: "text" }), "not-running");
  expect(await done).toEqual({ StatusCode: 3, Error: { Message: "text" } });
});

test("others wait for the exit or for the removal", async () => {
  const container = make({ status: "running" });
  const exit = waitForContainer(container, "not-running").done;
  const removal = waitForContainer(container, "removed").done;
  for (const waiter of container.exitWaiters) waiter({ StatusCode: 1 });
  for (const waiter of container.removalWaiters) waiter({ StatusCode: 2 });
  expect(await Promise.all([exit, removal])).toEqual([{ StatusCode: 1 }, { StatusCode: 2 }]);
  expect(waitForContainer(make({ status: "created" }), "next-exit").done).toBeInstanceOf(Promise);
});
