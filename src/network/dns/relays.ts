/**
 * The relays' side of the resolver: each is a container that asks.
 * @module
 */
import type { Socket } from "node:net";
import { answerLocally, readQuery, refuse, type Asked } from "./answer.ts";
import { codes } from "./codec.ts";
import type { Forwarder } from "./forward.ts";
import { encodeFrame, FrameReader, helloTag, transports, type Frame } from "./frames.ts";
import { truncate } from "./truncate.ts";
import type { DnsContainer } from "./types.ts";
import type { HostServers } from "./upstreams.ts";
import { mostServers } from "./upstreams.ts";
import type { Zone } from "./zone.ts";

/** Octets of answers that a relay may leave unread before no more is read from it. */
const mostUnread = 1 << 20;
/** Milliseconds for which a container's questions wait for the engine to say what it is. */
const patience = 2000;
/** Questions that may wait so. */
const mostEarly = 256;

/** What a session answers from. */
export interface Sources {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  readonly host: HostServers;
}

interface Early {
  readonly frame: Frame;
  readonly asked: Asked;
}

/** A relay's connection. */
export class RelaySession {
  readonly #sources: Sources;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  #container: string | undefined;
  /** Questions that came before the engine spoke of the container. */
  #early: Early[] = [];
  #earlyTimer: NodeJS.Timeout | undefined;
  #answers: Buffer[] = [];

  constructor(sources: Sources, socket: Socket) {
    this.#sources = sources;
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => socket.resume());
    socket.on("end", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => clearTimeout(this.#earlyTimer));
  }

  /** To be called when the engine has said something: perhaps who this is. */
  retry(): void {
    if (this.#early.length === 0 || this.#record() === undefined) return;
    this.#answerEarly();
  }

  #answerEarly(): void {
    clearTimeout(this.#earlyTimer);
    this.#earlyTimer = undefined;
    const early = this.#early;
    this.#early = [];
    const container = this.#record();
    for (const { frame, asked } of early) {
      if (container === undefined) this.#send(frame, refuse(asked, codes.failed));
      else this.#decide(container, frame, asked);
    }
  }

  #record(): DnsContainer | undefined {
    return this.#container === undefined ? undefined : this.#sources.zone.container(this.#container);
  }

  #read(chunk: Buffer): void {
    const frames = this.#frames.push(chunk);
    if (frames === undefined) {
      this.#socket.destroy();
      return;
    }
    for (const frame of frames) {
      if (frame.tag === helloTag && frame.transport === transports.hello) {
        this.#container = Buffer.from(frame.payload).toString("latin1");
      } else {
        this.#take(frame);
      }
    }
  }

  #take(frame: Frame): void {
    const reading = readQuery(frame.payload, frame.transport === transports.tcp ? "tcp" : "udp");
    if (reading === undefined) return;
    if ("answer" in reading) return this.#send(frame, reading.answer);
    const container = this.#record();
    if (container !== undefined) return this.#decide(container, frame, reading.asked);
    if (this.#early.length >= mostEarly) return this.#send(frame, refuse(reading.asked, codes.failed));
    this.#early.push({ frame, asked: reading.asked });
    this.#earlyTimer ??= setTimeout(() => this.#answerEarly(), patience);
  }

  #decide(container: DnsContainer, frame: Frame, asked: Asked): void {
    const { zone, host } = this.#sources;
    const local = answerLocally(zone, container, asked);
    if (local !== undefined) return this.#send(frame, local);
    const servers = zone.reachesOutside(container) ? (container.servers ?? host.current()) : [];
    if (servers.length === 0) return this.#send(frame, refuse(asked, codes.failed));
    void this.#forward(container.id, servers.slice(0, mostServers), frame, asked);
  }

  async #forward(container: string, servers: readonly string[], frame: Frame, asked: Asked): Promise<void> {
    const transport = frame.transport === transports.tcp ? "tcp" : "udp";
    const { forwarder } = this.#sources;
    const answer = await forwarder.ask(container, servers, frame.payload, asked.question, transport);
    this.#send(frame, answer === undefined ? refuse(asked, codes.failed) : truncate(answer, asked.limit));
  }

  /** Answers of one turn go out in one write. */
  #send(to: Frame, payload: Uint8Array): void {
    if (this.#answers.length === 0) queueMicrotask(() => this.#flush());
    this.#answers.push(encodeFrame({ tag: to.tag, transport: to.transport, payload }));
  }

  #flush(): void {
    const whole = this.#answers.length === 1 ? this.#answers[0] : Buffer.concat(this.#answers);
    this.#answers = [];
    if (whole === undefined || this.#socket.destroyed) return;
    this.#socket.write(whole);
    if (this.#socket.writableLength > mostUnread) this.#socket.pause();
  }
}
