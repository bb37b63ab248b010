import { expect, test } from "bun:test";
import fc from "fast-check";
import { Runs } from "./runs.ts";

test("runs are a set", () => {
  const change = fc.tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 15n }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.bigInt({ min: 0n, max: 16n }), (changes, probe) => {
      const runs = new Runs();
      const model = new Set<bigint>();
      for (const [add, value] of changes) {
        expect(add ? runs.add(value) : runs.delete(value)).toBe(add ? !model.has(value) : model.has(value));
        if (add) model.add(value);
        else model.delete(value);
      }
      expect(runs.has(probe)).toBe(model.has(probe));
      let free = probe;
      while (model.has(free)) free++;
      expect(runs.nextFree(probe)).toBe(free);
      expect(runs.countIn(probe, 12n)).toBe(BigInt([...model].filter((v) => v >= probe && v <= 12n).length));
      expect(runs.runs).toBe([...model].filter((v) => !model.has(v - 1n)).length);
    }),
  );
});
