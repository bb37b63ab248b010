import { expect, test } from "bun:test";
import { failure } from "../errors/mod.ts";
import type { Progress } from "../engine/mod.ts";
import { startApi } from "./fake-engine.ts";

test("reports are lines that end with CR LF; a failure after the first is the last of them", async () => {
  let stopped = 0;
  async function* pull(fails: boolean): AsyncGenerator<Progress> {
    try {
      yield { status: "one" } as Progress;
      yield { status: "two", id: "x" } as Progress;
      if (fails) throw failure("no-such-image", { reference: "x" });
    } finally {
      stopped++;
    }
  }
  let fails = false;
  await using api = await startApi({ images: { pull: () => pull(fails) } });
  const fine = await api.ask("POST", "/images/create?fromImage=x");
  expect([fine.status, fine.headers["content-type"], fine.text]).toEqual([
    200,
    "application/json",
    '{"status":"one"}\r\n{"status":"two","id":"x"}\r\n',
  ]);
  fails = true;
  const failed = await api.ask("POST", "/images/create?fromImage=x");
  expect(failed.status).toBe(200);
  expect(failed.text).toEndWith(
    '{"errorDetail":{"message":"No such image: x"},"error":"No such image: x"}\r\n',
  );
  expect(stopped).toBe(2);
});

test("a failure before the first report has its own status", async () => {
  let asked = 0;
  async function* pull(): AsyncGenerator<Progress> {
    if (++asked > 0) throw failure("no-such-image", { reference: "x" });
    yield { status: "never" } as Progress;
  }
  await using api = await startApi({ images: { pull } });
  const { status, text } = await api.ask("POST", "/images/create?fromImage=x");
  expect([status, JSON.parse(text)]).toEqual([404, { message: "No such image: x" }]);
});
