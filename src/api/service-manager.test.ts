import { expect, test } from "bun:test";
import { fakeEngine, listLog } from "./fake-engine.ts";
import { serviceManager } from "./service-manager.ts";

const said: string[] = [];
const engine = fakeEngine({
  notify: async (socket: string, state: string) => void said.push(`${socket} ${state}`),
} as never);

test("whoever asked is told, and nobody finds his address afterwards", async () => {
  const env: NodeJS.ProcessEnv = { NOTIFY_SOCKET: "/run/systemd/notify", HOME: "/root" };
  const tell = serviceManager(engine, listLog(), env);
  expect(env).toEqual({ HOME: "/root" });
  await tell("READY=1");
  await serviceManager(engine, listLog(), { NOTIFY_SOCKET: "@abstract" })("STOPPING=1");
  expect(said.splice(0)).toEqual(["/run/systemd/notify READY=1", "@abstract STOPPING=1"]);
});

test("without a socket nobody is", async () => {
  for (const env of [{}, { NOTIFY_SOCKET: "" }, { NOTIFY_SOCKET: "vsock:2:9999" }]) {
    await serviceManager(engine, listLog(), env)("READY=1");
  }
  expect(said).toEqual([]);
});

test("one who can't be told is no reason to fail", async () => {
  const gone = fakeEngine({ notify: () => Promise.reject(new TypeError("nobody listens")) } as never);
  const log = listLog();
  await serviceManager(gone, log, { NOTIFY_SOCKET: "/gone" })("READY=1");
  expect(log.lines).toEqual(["warn tell the service manager READY=1: nobody listens"]);
});
