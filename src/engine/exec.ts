/**
 * Processes in running containers: `docker exec`. Each has a shim of its own, which outlives the engine like a
 * container's; a file beside its socket says what it is, so that the next engine finds it.
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { failure, messageOf } from "../errors/mod.ts";
import { attachToShim, CWD, mkdir, ProgramBuilder, ShimConnection, type ShimState } from "../kernel/mod.ts";
import type { Container } from "./container-store.ts";
import { publishContainer } from "./container-events.ts";
import type { Attachment, ExecBody, Execs, Json } from "./engine.ts";
import { DeferredStream } from "./deferred-stream.ts";
import { execProgram } from "./exec-program.ts";
import { ExecStore, newExec, type Exec } from "./exec-store.ts";
import { makeFolder } from "./folders.ts";
import { ProbePrograms } from "./probe-programs.ts";
import { requireNotRestarting } from "./restarting.ts";
import { readExitRecord } from "./exit-record.ts";
import { containerUser } from "./runtime-context.ts";
import type { Services } from "./services.ts";
import { orderShim } from "./shim-line.ts";
import { startFailure } from "./start-error.ts";

const startDeadline = 60_000;

/** What a file beside its shim's socket says of an exec. */
type Written = Pick<Exec, "body" | "probe">;

/** A running probe of a container's health. */
export interface Probe {
  /** Its output, in Docker's frames. */
  readonly stream: Duplex;
  readonly ended: Promise<void>;
  /** Once it has ended. */
  exitCode(): number;
  /** Kills it with what it started. */
  kill(): Promise<void>;
}

export class ExecService implements Execs {
  readonly #services: Services;
  readonly #store: ExecStore;
  readonly #probes: ProbePrograms;

  constructor(services: Services) {
    this.#services = services;
    this.#store = new ExecStore(services);
    this.#probes = new ProbePrograms((container, body) => execProgram(services, container, body, undefined));
  }

  async create(name: string, body: ExecBody, check?: () => void): Promise<{ Id: string }> {
    const container = this.#services.store.find(name);
    if ((body.Cmd ?? []).length === 0) {
      throw failure("invalid-parameter", { message: "No exec command specified" });
    }
    requireRunning(container, name);
    check?.();
    if (body.User !== undefined && body.User !== "") await this.#checkUser(container, body.User);
    return { Id: this.#make(container, body, false).id };
  }

  #make(container: Container, body: ExecBody, probe: boolean): Exec {
    const exec = newExec(randomBytes(32).toString("hex"), container, body, probe);
    this.#store.add(exec);
    this.#publish(`exec_create: ${commandText(body)}`, container, exec.id);
    return exec;
  }

  /**
   * Starts `command` as the engine's own: its container's user, folder and environment, its output for the engine. Nothing
   * of it is remembered. Throws what Docker says of an exec that can't be started.
   */
  async startProbe(container: Container, command: readonly string[]): Promise<Probe> {
    if (command.length === 0) {
      throw failure("internal", { message: `healthcheck for container ${container.id} has no command` });
    }
    const body = { AttachStdout: true, AttachStderr: true, Cmd: command };
    const exec = this.#make(container, body, true);
    const attachment = await this.start(exec.id, { detach: false, tty: false });
    if (attachment === undefined) throw failure("internal", { message: "a probe without its output" });
    const { stream } = attachment;
    return {
      stream,
      ended: exec.ended.promise,
      exitCode: () => exec.exitCode ?? -1,
      kill: () => this.#kill(exec),
    };
  }

  /**
   * Kills a probe with all that it started and that didn't leave its process group: a shell that waits for a command that
   * hangs would leave that behind, one for each probe.
   */
  async #kill(exec: Exec): Promise<void> {
    // Its number may be somebody else's by then.
    if (!exec.running) return;
    const { executors, log, paths } = this.#services;
    const b = new ProgramBuilder();
    b.call("kill what the probe started", "kill", [-exec.pid, constants.signals.SIGKILL], {
      tolerate: ["ESRCH"],
    });
    await executors
      .warm()
      .run(b.build(), { doing: "kill a probe" })
      .catch((error: unknown) => log.warn(messageOf(error)));
    const socket = paths.socket(paths.exec(exec.container.id, exec.id));
    await orderShim(exec, socket, (shim) => shim.signal(constants.signals.SIGKILL));
  }

  /** Docker refuses a user that the container's files don't know here already, where a client can still be told. */
  async #checkUser({ record }: Container, user: string): Promise<void> {
    const plan = this.#services.storage.plan(record.id, record.chain);
    try {
      await containerUser(this.#services, plan, user, []);
    } catch (error) {
      throw failure("invalid-parameter", { message: messageOf(error) }, error);
    }
  }

  #publish(
    action: string,
    container: Container,
    id: string,
    attributes: Readonly<Record<string, string>> = {},
  ): void {
    publishContainer(this.#services, action, container, { ...attributes, execID: id });
  }

  #find(id: string): Exec {
    const exec = this.#store.get(id);
    if (exec === undefined) throw failure("no-such-exec", { id });
    return exec;
  }

  async start(
    id: string,
    options: {
      detach: boolean;
      tty: boolean;
      consoleSize?: readonly [number, number];
      admitted?: (tty: boolean) => void;
    },
  ): Promise<Attachment | undefined> {
    const exec = this.#find(id);
    if (exec.started) throw failure("conflict", { message: `exec instance ${id} has already run` });
    requireRunning(exec.container, exec.container.id);
    exec.started = true;
    const { body, container } = exec;
    options.admitted?.(body.Tty ?? false);
    this.#publish(`exec_start: ${commandText(body)}`, container, id);
    try {
      await this.#launch(exec, options);
    } catch (error) {
      const { error: answer, exitCode } = startFailure(error, (body.Cmd ?? [])[0] ?? "", "exec");
      exec.exitCode = exitCode;
      this.#keep(exec);
      throw answer;
    }
    if (options.detach) return undefined;
    const { paths } = this.#services;
    const streams = {
      stdin: body.AttachStdin ?? false,
      stdout: body.AttachStdout ?? false,
      stderr: body.AttachStderr ?? false,
    };
    const socket = paths.socket(paths.exec(container.id, id));
    const attached = attachToShim(socket, streams);
    const stream = new DeferredStream();
    stream.join(await attached, exec.ended.promise);
    return {
      tty: body.Tty ?? false,
      stream,
      ...(body.DetachKeys === undefined ? {} : { detachKeys: body.DetachKeys }),
    };
  }

  async #launch(
    exec: Exec,
    options: { readonly detach: boolean; readonly consoleSize?: readonly [number, number] },
  ): Promise<void> {
    const { executors, paths } = this.#services;
    const { body, container, id, probe } = exec;
    const directory = body.WorkingDir ?? "";
    if (directory !== "" && !directory.startsWith("/")) {
      const text = "OCI runtime exec failed: exec failed: Cwd must be an absolute path";
      throw failure("start-failed", { text });
    }
    const consoleSize = options.consoleSize ?? body.ConsoleSize ?? undefined;
    const program = probe
      ? await this.#probes.program(container, body)
      : await execProgram(this.#services, container, body, consoleSize);
    const folder = paths.exec(container.id, id);
    const prepare = (b: ProgramBuilder): void => {
      mkdir(b, "make the folder of execs", CWD, paths.execs(container.id), 0o700, { tolerate: ["EEXIST"] });
      makeFolder(b, folder, 0o700, {
        "exec.json": { content: JSON.stringify({ body, probe }), mode: 0o600 },
      });
    };
    const [rows = 0, columns = 0] = consoleSize ?? [];
    const shim = {
      id,
      directory: folder,
      program,
      tty: body.Tty ?? false,
      openStdin: body.AttachStdin ?? false,
      stdinOnce: true,
      expectedAttaches: options.detach ? 0 : 1,
      rows,
      columns,
    };
    this.#store.begin(exec);
    try {
      const started = await executors.warm().shim(shim, { deadline: startDeadline, prepare });
      exec.shim = started.line;
      exec.pid = started.pid;
      exec.running = true;
      void started.exited.then((exit) =>
        exit === undefined ? this.#follow(exec) : this.#end(exec, exit.code),
      );
    } catch (error) {
      await this.#store.removeFolder(exec);
      this.#store.abandon(exec);
      throw error;
    }
  }

  /** An exec's process has ended. */
  #end(exec: Exec, code: number): void {
    exec.shim?.close();
    exec.shim = undefined;
    exec.running = false;
    exec.exitCode = code;
    exec.ended.resolve();
    this.#publish("exec_die", exec.container, exec.id, { exitCode: String(code) });
    this.#keep(exec);
  }

  /** Remembers an exec that has ended, unless it was the engine's own. */
  #keep(exec: Exec): void {
    if (exec.probe) void this.#store.drop(exec);
    else this.#store.save(exec);
  }

  /**
   * Follows, by its socket, an exec's shim that an earlier engine started or whose line broke. One that is unwanted,
   * a probe whose output nobody reads any more, is killed.
   */
  async #follow(exec: Exec, unwanted = false): Promise<void> {
    const { paths, log } = this.#services;
    const folder = paths.exec(exec.container.id, exec.id);
    const { promise, resolve } = Promise.withResolvers<ShimState | undefined>();
    try {
      exec.shim = await ShimConnection.open(
        paths.socket(folder),
        (state) => {
          if (state.phase === "running") {
            exec.pid = state.pid;
            exec.running = true;
            if (unwanted) void this.#kill(exec);
          }
          if (state.phase === "exited") resolve(state);
        },
        () => resolve(undefined),
        (why) => log.error(`exec ${exec.id}: its shim can't be followed: ${why}; it is left alone`),
      );
    } catch {
      resolve(undefined);
    }
    const end = (await promise) ?? readExitRecord(folder);
    this.#end(exec, end?.code ?? 137);
  }

  async inspect(id: string): Promise<Json> {
    const exec = this.#find(id);
    const { body } = exec;
    const [entrypoint = "", ...rest] = body.Cmd ?? [];
    return {
      ID: exec.id,
      Running: exec.running,
      ExitCode: exec.exitCode,
      ProcessConfig: {
        tty: body.Tty ?? false,
        entrypoint,
        arguments: rest,
        privileged: body.Privileged ?? false,
        ...(body.User === undefined || body.User === "" ? {} : { user: body.User }),
      },
      OpenStdin: body.AttachStdin ?? false,
      OpenStderr: body.AttachStderr ?? false,
      OpenStdout: body.AttachStdout ?? false,
      CanRemove: false,
      ContainerID: exec.container.id,
      DetachKeys: body.DetachKeys ?? "",
      Pid: exec.pid,
    };
  }

  async resize(id: string, rows: number, columns: number): Promise<void> {
    const exec = this.#find(id);
    if (!exec.running) throw failure("conflict", { message: `exec instance ${id} is not running` });
    const { paths } = this.#services;
    const socket = paths.socket(paths.exec(exec.container.id, id));
    await orderShim(exec, socket, (shim) => shim.resize(rows, columns));
  }

  /** Ids of a container's execs that run, for `inspect`. */
  running(container: Container): string[] {
    return this.#store.running(container).map(({ id }) => id);
  }

  /** Writes what is known of ended execs now. */
  flush(): void {
    this.#store.flush();
  }

  /**
   * Finds a container's execs again after the engine was restarted, also those that have ended meanwhile. Goes before
   * the container's own recovery, which removes its bundle when it has ended.
   */
  recover(container: Container): void {
    const folder = this.#services.paths.execs(container.id);
    let ids: string[];
    try {
      ids = readdirSync(folder);
    } catch {
      return;
    }
    for (const id of ids) {
      // Its end is on disk already, only the folder was not removed yet.
      const known = this.#store.get(id);
      if (known !== undefined) {
        void this.#store.removeFolder(known);
        continue;
      }
      try {
        const { body, probe } = JSON.parse(readFileSync(join(folder, id, "exec.json"), "utf8")) as Written;
        const exec = newExec(id, container, body, probe);
        // Its shim was never started, or its program failed: nothing of it ran.
        if (!existsSync(join(folder, id, "shim.sock")) && !existsSync(join(folder, id, "exit"))) {
          void this.#store.removeFolder(exec);
          continue;
        }
        exec.running = true;
        exec.started = true;
        this.#store.add(exec);
        this.#store.begin(exec);
        void this.#follow(exec, probe);
      } catch (error) {
        this.#services.log.warn(`find exec ${id} of container ${container.id} again: ${messageOf(error)}`);
      }
    }
  }
}

/** As Docker's events have it: a space follows the program even where no arguments do. */
function commandText({ Cmd: command }: ExecBody): string {
  const [program = "", ...args] = command ?? [];
  return `${program} ${args.join(" ")}`;
}

/** `name` is what the client calls the container. */
function requireRunning(container: Container, name: string): void {
  if (container.state.status === "paused") {
    throw failure("conflict", {
      message: `Container ${name} is paused, unpause the container before exec`,
    });
  }
  requireNotRestarting(container);
  if (!container.running) throw failure("container-not-running", { id: container.id });
}
