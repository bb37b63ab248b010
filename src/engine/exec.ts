/**
 * Processes in running containers: `docker exec`. Each has a shim of its own, which outlives the engine like a
 * container's; a file beside its socket says what it is, so that the next engine finds it.
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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
import { readExitRecord } from "./exit-record.ts";
import { containerUser } from "./runtime-context.ts";
import type { Services } from "./services.ts";
import { orderShim } from "./shim-line.ts";
import { startFailure } from "./start-error.ts";

const startDeadline = 60_000;

export class ExecService implements Execs {
  readonly #services: Services;
  readonly #store: ExecStore;

  constructor(services: Services) {
    this.#services = services;
    this.#store = new ExecStore(services);
  }

  async create(name: string, body: ExecBody): Promise<{ Id: string }> {
    const container = this.#services.store.find(name);
    if ((body.Cmd ?? []).length === 0) {
      throw failure("invalid-parameter", { message: "No exec command specified" });
    }
    requireRunning(container, name);
    if (body.User !== undefined && body.User !== "") await this.#checkUser(container, body.User);
    const id = randomBytes(32).toString("hex");
    this.#store.add(newExec(id, container, body));
    this.#publish(`exec_create: ${commandText(body)}`, container, id);
    return { Id: id };
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
    options: { detach: boolean; tty: boolean; consoleSize?: readonly [number, number] },
  ): Promise<Attachment | undefined> {
    const exec = this.#find(id);
    if (exec.started) throw failure("conflict", { message: `exec instance ${id} has already run` });
    requireRunning(exec.container, exec.container.id);
    exec.started = true;
    const { body, container } = exec;
    this.#publish(`exec_start: ${commandText(body)}`, container, id);
    try {
      await this.#launch(exec, options);
    } catch (error) {
      const { error: answer, exitCode } = startFailure(error, (body.Cmd ?? [])[0] ?? "", "exec");
      exec.exitCode = exitCode;
      this.#store.save(exec);
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
    const { body, container, id } = exec;
    const directory = body.WorkingDir ?? "";
    if (directory !== "" && !directory.startsWith("/")) {
      const text = "OCI runtime exec failed: exec failed: Cwd must be an absolute path";
      throw failure("start-failed", { text });
    }
    const consoleSize = options.consoleSize ?? body.ConsoleSize ?? undefined;
    const program = await execProgram(this.#services, container, body, consoleSize);
    const folder = paths.exec(container.id, id);
    const b = new ProgramBuilder();
    mkdir(b, "make the folder of execs", CWD, paths.execs(container.id), 0o700, { tolerate: ["EEXIST"] });
    makeFolder(b, folder, 0o700, { "exec.json": { content: JSON.stringify(body), mode: 0o600 } });
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
    const executor = executors.warm();
    this.#store.begin(exec);
    try {
      const [, started] = await Promise.all([
        executor.run(b.build(), { doing: "make the exec's folder" }),
        executor.shim(shim, { deadline: startDeadline }),
      ]);
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
    this.#store.save(exec);
  }

  /** Follows, by its socket, an exec's shim that an earlier engine started or whose executor is gone. */
  async #follow(exec: Exec): Promise<void> {
    const { paths } = this.#services;
    const folder = paths.exec(exec.container.id, exec.id);
    const { promise, resolve } = Promise.withResolvers<ShimState | undefined>();
    try {
      exec.shim = await ShimConnection.open(
        paths.socket(folder),
        (state) => {
          if (state.phase === "running") {
            exec.pid = state.pid;
            exec.running = true;
          }
          if (state.phase === "exited") resolve(state);
        },
        () => resolve(undefined),
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
        const body = JSON.parse(readFileSync(join(folder, id, "exec.json"), "utf8")) as ExecBody;
        const exec = newExec(id, container, body);
        // Its shim was never started, or its program failed: nothing of it ran.
        if (!existsSync(join(folder, id, "shim.sock")) && !existsSync(join(folder, id, "exit"))) {
          void this.#store.removeFolder(exec);
          continue;
        }
        exec.running = true;
        exec.started = true;
        this.#store.add(exec);
        this.#store.begin(exec);
        void this.#follow(exec);
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
  if (!container.running) throw failure("container-not-running", { id: container.id });
}
