import { expect, test } from "bun:test";
import fc from "fast-check";
import { defaultDetachKeys, DetachMatcher, parseDetachKeys } from "./detach-keys.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

test("Docker's syntax", () => {
  expect([...parseDetachKeys("ctrl-p,ctrl-q")]).toEqual([16, 17]);
  expect([...parseDetachKeys("a,B,ctrl-@,ctrl-[,ctrl-_,DEL")]).toEqual([97, 66, 0, 27, 31, 127]);
  expect(parseDetachKeys("")).toBe(defaultDetachKeys);
  expect(parseDetachKeys(undefined)).toBe(defaultDetachKeys);
  for (const wrong of ["foo", "ctrl-1", "ctrl-", "ctrl-A", "a,,b", "é"])
    expect(() => parseDetachKeys(wrong)).toThrow(`Invalid detach keys (${wrong}) provided`);
});

test("keys are found over chunks, and a broken beginning is passed on", () => {
  const matcher = new DetachMatcher(Uint8Array.of(1, 2));
  const push = (s: string): [string, boolean] => {
    const { pass, detached } = matcher.push(Buffer.from(s, "latin1"));
    return [text(pass), detached];
  };
  expect(push("abc")).toEqual(["abc", false]);
  expect(push("x\x01")).toEqual(["x", false]);
  expect(push("y")).toEqual(["\x01y", false]);
  expect(push("\x01\x01")).toEqual(["\x01", false]);
  expect(push("\x02rest")).toEqual(["", true]);
});

test("what was held back can be had at the end", () => {
  const matcher = new DetachMatcher(Uint8Array.of(1, 2, 3));
  matcher.push(Uint8Array.of(1, 2));
  expect([...matcher.rest()]).toEqual([1, 2]);
  expect([...matcher.rest()]).toEqual([]);
});

test("however the input is cut, the same bytes come out", () => {
  const input = fc.uint8Array({ max: 3, maxLength: 40 });
  fc.assert(
    fc.property(input, fc.array(fc.nat(40), { maxLength: 5 }), (bytes, cuts) => {
      const whole = new DetachMatcher(defaultKeys).push(bytes);
      const matcher = new DetachMatcher(defaultKeys);
      const edges = [0, ...cuts.filter((c) => c < bytes.length).sort((a, b) => a - b), bytes.length];
      let out = "";
      let detached = false;
      for (let i = 1; i < edges.length && !detached; i++) {
        const result = matcher.push(bytes.subarray(edges[i - 1], edges[i]));
        out += text(result.pass);
        detached = result.detached;
      }
      expect([out, detached]).toEqual([text(whole.pass), whole.detached]);
      if (!detached) expect(out + text(matcher.rest())).toBe(text(bytes));
    }),
  );
});

const defaultKeys = Uint8Array.of(1, 2);
