/**
 * systemd's manager over D-Bus: the few calls that containers need (org.freedesktop.systemd1(5)).
 * @module
 */
import { failure } from "../errors/mod.ts";
import { BusConnection, isBusError, type BusObject } from "./dbus-connection.ts";
import type { BusValue } from "./dbus-wire.ts";
import type { UnitProperty } from "./systemd-properties.ts";

/** systemd's own socket, with nobody between, and the bus's. */
const SOCKETS = { direct: "/run/systemd/private", bus: "/run/dbus/system_bus_socket" } as const;
const BUS: BusObject = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
};
const MANAGER: BusObject = {
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
};
const JOB_PATIENCE = 30_000;

/** Where systemd listens. */
export interface SystemdSockets {
  readonly direct: string;
  readonly bus: string;
}

/** A client of systemd's manager, connected when it is first needed and again when the connection was lost. */
export class SystemdUnits {
  readonly #sockets: SystemdSockets;
  #connection: Promise<BusConnection> | undefined;
  #manager: BusObject = MANAGER;

  constructor(sockets: SystemdSockets = SOCKETS) {
    this.#sockets = sockets;
  }

  /** Starts a unit that exists only until its processes end, and waits until systemd has done so. */
  async startTransient(unit: string, properties: readonly UnitProperty[]): Promise<void> {
    const start = (): Promise<void> =>
      this.#job(unit, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", properties, []);
    try {
      await start();
    } catch (error) {
      if (!isBusError(error, "org.freedesktop.systemd1.UnitExists")) throw error;
      // What failed earlier keeps its name until it is reset.
      const connection = await this.#connect();
      await connection.call(this.#manager, "ResetFailedUnit", "s", unit);
      await start();
    }
  }

  /** Stops a unit and waits for it; one that doesn't exist is fine. */
  async stop(unit: string): Promise<void> {
    try {
      await this.#job(unit, "StopUnit", "ss", unit, "replace");
    } catch (error) {
      if (!isBusError(error, "org.freedesktop.systemd1.NoSuchUnit")) throw error;
    }
  }

  /** Changes a unit until the next boot. */
  async setProperties(unit: string, properties: readonly UnitProperty[]): Promise<void> {
    const connection = await this.#connect();
    await connection.call(this.#manager, "SetUnitProperties", "sba(sv)", unit, true, properties);
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    connection?.close();
  }

  /** Calls a method that queues a job, and waits until the job is removed from the queue. */
  async #job(unit: string, member: string, signature: string, ...body: BusValue[]): Promise<void> {
    const connection = await this.#connect();
    // The job may be done before the call's reply is here: results are kept by job until it says which one is ours.
    const results = new Map<BusValue, BusValue>();
    let changed = (): void => {};
    const stop = connection.onSignal((signal) => {
      const [, job, , result] = signal.body;
      if (signal.member !== "JobRemoved" || job === undefined || result === undefined) return;
      results.set(job, result);
      changed();
    });
    try {
      const [job] = await connection.call(this.#manager, member, signature, ...body);
      if (job === undefined) return;
      const end = performance.now() + JOB_PATIENCE;
      while (!results.has(job)) {
        const left = end - performance.now();
        if (left <= 0 || connection.lost) {
          throw failure("systemd-refused", { call: member, reason: `the job of ${unit} didn't end` });
        }
        await new Promise<void>((resolve) => {
          changed = resolve;
          setTimeout(resolve, Math.min(left, 1000));
        });
      }
      const result = results.get(job);
      if (result === "done") return;
      const reason = `the job of ${unit} ended with ${typeof result === "string" ? result : "nothing"}`;
      throw failure("systemd-refused", { call: member, reason });
    } finally {
      stop();
    }
  }

  async #connect(): Promise<BusConnection> {
    const current = await this.#connection?.catch(() => undefined);
    if (current?.lost === false) return current;
    this.#connection = this.#open();
    return this.#connection;
  }

  async #open(): Promise<BusConnection> {
    try {
      const direct = await BusConnection.open(this.#sockets.direct);
      this.#manager = MANAGER;
      return direct;
    } catch {
      const bus = await BusConnection.open(this.#sockets.bus);
      this.#manager = { ...MANAGER, destination: "org.freedesktop.systemd1" };
      await bus.call(BUS, "Hello");
      await bus.call(
        BUS,
        "AddMatch",
        "s",
        `type='signal',interface='${MANAGER.interface}',member='JobRemoved'`,
      );
      await bus.call(this.#manager, "Subscribe");
      return bus;
    }
  }
}
