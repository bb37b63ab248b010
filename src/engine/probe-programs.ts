/**
 * Programs of probes: compiled once for each run of a container, since the next one does the same again.
 * @module
 */
import type { Program } from "../kernel/mod.ts";
import type { Container } from "./container-store.ts";
import type { ContainerRecord } from "./container.ts";
import type { ExecBody } from "./engine.ts";

interface Kept {
  /** The run that it is for, and what the container was like. */
  readonly startedAt: string;
  readonly record: ContainerRecord;
  readonly program: Program;
}

/** Compiled probes of running containers; those of containers that are gone go with them. */
export class ProbePrograms {
  readonly #compile: (container: Container, body: ExecBody) => Promise<Program>;
  readonly #kept = new WeakMap<Container, Kept>();

  constructor(compile: (container: Container, body: ExecBody) => Promise<Program>) {
    this.#compile = compile;
  }

  /** The program that starts the container's probe. Its user is who it was when the container was probed first. */
  async program(container: Container, body: ExecBody): Promise<Program> {
    const { record, state } = container;
    const { startedAt } = state;
    const kept = this.#kept.get(container);
    if (kept !== undefined && kept.startedAt === startedAt && kept.record === record) return kept.program;
    const program = await this.#compile(container, body);
    this.#kept.set(container, { startedAt, record, program });
    return program;
  }
}
