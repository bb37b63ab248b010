import { describe, expect, test } from "bun:test";
import { DetachWatch, parseDetachKeys } from "./detach-keys.ts";

describe("notation", () => {
  test("letters and control keys", () => {
    expect([...parseDetachKeys("ctrl-p,ctrl-q")]).toEqual([16, 17]);
    expect([...parseDetachKeys("a,ctrl-@,ctrl-[")]).toEqual([97, 0, 27]);
    expect([...parseDetachKeys("")]).toEqual([16, 17]);
  });

  test("anything else is refused", () => {
    expect(() => parseDetachKeys("ctrl-?")).toThrow(
      "invalid detach keys (ctrl-?): Unknown character: 'ctrl-?'",
    );
    expect(() => parseDetachKeys("ab")).toThrow("Unknown character: 'ab'");
  });
});

describe("watching", () => {
  const watch = (): ((text: string) => string) => {
    const keys = new DetachWatch(parseDetachKeys("p,q"));
    return (text) => {
      const { pass, detached } = keys.push(new TextEncoder().encode(text));
      return new TextDecoder().decode(pass) + (detached ? "!" : "");
    };
  };

  test("what isn't the sequence passes", () => {
    expect(watch()("abc")).toBe("abc");
  });

  test("the sequence is held back and ends it", () => {
    expect(watch()("abpqx")).toBe("ab!");
  });

  test("it may come in pieces", () => {
    const push = watch();
    expect(push("ap")).toBe("a");
    expect(push("q")).toBe("!");
  });

  test("a beginning that leads nowhere is passed after all", () => {
    const push = watch();
    expect(push("p")).toBe("");
    expect(push("x")).toBe("px");
    expect(push("ppq")).toBe("p!");
  });
});
