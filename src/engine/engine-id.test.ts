import { expect, test } from "bun:test";
import { StateDatabase } from "./database.ts";
import { engineId } from "./engine-id.ts";

test("an engine stays who it is, and is nobody else", () => {
  const [one, two] = [new StateDatabase(":memory:"), new StateDatabase(":memory:")];
  const id = engineId(one);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(engineId(one)).toBe(id);
  expect(engineId(two)).not.toBe(id);
  one.close();
  two.close();
});
