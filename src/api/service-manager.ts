/**
 * What the service manager that started the daemon is told (systemd.service(5), `Type=notify`).
 * @module
 */
import type { Engine, ServiceState } from "../engine/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { Log } from "./log.ts";

/**
 * Takes the address of whoever wants to be told out of the environment, so that nobody who is started later tells him
 * anything. The function that is returned never fails: it says nothing if nobody asked, and logs that it couldn't.
 */
export function serviceManager(
  engine: Pick<Engine, "notify">,
  log: Pick<Log, "warn">,
  env: NodeJS.ProcessEnv = process.env,
): (state: ServiceState) => Promise<void> {
  const { NOTIFY_SOCKET: socket } = env;
  delete env["NOTIFY_SOCKET"];
  if (socket === undefined || !/^[/@]./.test(socket)) return async () => undefined;
  return async (state) => {
    try {
      await engine.notify(socket, state);
    } catch (error) {
      log.warn(`tell the service manager ${state}: ${messageOf(error)}`);
    }
  };
}
