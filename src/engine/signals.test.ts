import { expect, test } from "bun:test";
import { signalNumber } from "./signals.ts";

test("signals are known by name, short name, number and as real-time ones", () => {
  expect(["SIGKILL", "kill", "9", "TERM", "RTMIN", "SIGRTMIN+3", "RTMAX-1"].map(signalNumber)).toEqual([
    9, 9, 9, 15, 34, 37, 63,
  ]);
});

test("others are refused in Docker's words", () => {
  expect(() => signalNumber("65")).toThrow("the linux daemon does not support signal 65");
  expect(() => signalNumber("-9")).toThrow("the linux daemon does not support signal -9");
  for (const name of ["", "0", "NOPE", "RTMIN+99", "9".repeat(30)]) {
    expect(() => signalNumber(name)).toThrow(`invalid signal: ${name}`);
  }
});
