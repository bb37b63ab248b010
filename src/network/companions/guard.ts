/**
 * Companions of a container that runs already: its shim can't start them any more. They are children of a guard, which
 * waits for the end of the container's process and leaves then, whereupon they are killed.
 * @module
 */
import { int, struct, type ProgramBuilder } from "../../kernel/mod.ts";

const POLLIN = 1;

/** Adds, in an executor of its own, a guard of the process `pid`; `start` adds the start of its children. */
export function startGuarded(b: ProgramBuilder, pid: number, start: () => void): void {
  const channel = b.slot("guard's channel");
  const process = b.slot("the container's process");
  b.call("find the container's process", "pidfd_open", [pid, 0], { into: process });
  b.clone("start a guard", { flags: int(0, "0"), channel }, () => {
    b.call("leave the executor's session", "setsid", []);
    start();
    b.composite("say that they run", "sync", [channel, 0]);
    const polled = new Uint8Array(8);
    new DataView(polled.buffer).setInt16(4, POLLIN, true);
    const wait = struct(polled, "[the container's process]", [{ offset: 0, width: 4, value: process }]);
    b.call("wait for the end of the container", "ppoll", [wait, 1, 0, 0, 0]);
  });
  b.composite("wait until they run", "await", [channel, int(1, "SYNC")]);
}
