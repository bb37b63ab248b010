import { expect, test } from "bun:test";
import { encodeProgram, printProgram } from "../kernel/mod.ts";
import { notification } from "./service-manager.ts";

test("a datagram in the engine's name, to a path or to a name that is in no directory", () => {
  const program = notification("/run/systemd/notify", "READY=1", 4711);
  expect(printProgram(program)).toMatchSnapshot();
  const bytes = (socket: string): Buffer =>
    Buffer.from(encodeProgram(notification(socket, "STOPPING=1", 4711)));
  expect(bytes("/run/systemd/notify").includes("\x01\x00/run/systemd/notify")).toBe(true);
  expect(bytes("@name").includes("\x01\x00\x00name")).toBe(true);
  // struct ucred: the engine's pid, root, root.
  expect(bytes("@name").includes(Buffer.of(0x67, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toBe(true);
});
