/**
 * Clients at a container's streams.
 * @module
 */
import { Duplex, type Readable } from "node:stream";
import { failure } from "../errors/mod.ts";
import { attachToShim } from "../kernel/mod.ts";
import { publishContainer } from "./container-events.ts";
import type { Container } from "./container-store.ts";
import { DeferredStream } from "./deferred-stream.ts";
import type { AttachOptions, Attachment } from "./engine.ts";
import { isReadable, logPath } from "./logging/plan.ts";
import { readLogs } from "./logging/reader.ts";
import type { Services } from "./services.ts";

/** Joins a client to a container's streams: at once if it runs, else when it starts. */
export async function attachContainer(
  services: Services,
  container: Container,
  options: AttachOptions,
  called: string,
): Promise<Attachment> {
  const { record, state } = container;
  const tty = record.config.Tty;
  if (state.status === "paused") {
    throw failure("conflict", {
      message: `container ${called} is paused, unpause the container before attach`,
    });
  }
  if (state.status === "restarting") {
    throw failure("conflict", {
      message: `container ${called} is restarting, wait until the container is running`,
    });
  }
  publishContainer(services, "attach", container);
  const past = options.logs ? pastOutput(services, container, options) : undefined;
  if (!options.stream) return { tty, stream: readOnly(past) };
  const streams = {
    stdin: options.stdin && record.config.OpenStdin,
    stdout: options.stdout,
    stderr: options.stderr,
  };
  const live = new DeferredStream();
  if (container.running) {
    const { paths } = services;
    try {
      live.join(await attachToShim(paths.socket(paths.bundle(container.id)), streams));
    } catch {
      // It exited just now: there is nothing more to read.
      live.abandon();
    }
  } else {
    const pending = { stream: live, ...streams };
    container.pending.add(pending);
    live.once("close", () => container.pending.delete(pending));
  }
  return { tty, stream: past === undefined ? live : await precede(past, live) };
}

function pastOutput(services: Services, container: Container, options: AttachOptions): Readable {
  const path = logPath(services.paths, container.record);
  if (path === undefined || !isReadable(container.record)) throw failure("logs-unreadable", {});
  const { stdout, stderr } = options;
  const selection = { stdout, stderr, follow: false, timestamps: false, details: false };
  const tty = container.record.config.Tty;
  return readLogs(path, { ...selection, tty }, undefined);
}

/** What was logged and nothing more: what is written goes nowhere, and its end ends nothing. */
function readOnly(past: Readable | undefined): Duplex {
  const stream = new Duplex({
    read: () => void past?.resume(),
    write: (_chunk, _encoding, done) => done(),
    destroy: (error, done) => {
      past?.destroy();
      done(error);
    },
  });
  if (past === undefined) stream.push(null);
  past?.on("data", (chunk: Uint8Array) => {
    if (!stream.push(chunk)) past.pause();
  });
  past?.once("end", () => stream.push(null));
  past?.once("error", (error) => stream.destroy(error));
  return stream;
}

/** What was logged so far, before what comes. */
async function precede(past: Readable, live: DeferredStream): Promise<Duplex> {
  const chunks: Buffer[] = [];
  for await (const chunk of past) chunks.push(chunk as Buffer);
  live.unshift(Buffer.concat(chunks));
  return live;
}
