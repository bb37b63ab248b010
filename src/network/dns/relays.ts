/**
 * The relays' side of the resolver: each connection is a container that asks, by UDP on its relay's link, by TCP on one of
 * its own.
 * @module
 */
import type { Socket } from "node:net";
import { answerLocally, readQuery, refuse, type Asked } from "./answer.ts";
import { codes } from "./codec.ts";
import type { Forwarder } from "./forward.ts";
import { encodeFrame, FrameReader, type Frame, type Transport } from "./frames.ts";
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
/** Questions of one connection by TCP that may wait for their answers before no more is read from it. */
const mostWaiting = 64;
/** Connections by TCP of one container; the one that was silent for longest makes room. */
const mostConnections = 256;
/** Milliseconds of silence after which a connection by TCP is closed. */
const mostSilence = 10_000;

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

/** All connections of relays. */
export class RelaySessions {
  readonly #sources: Sources;
  readonly #sessions = new Set<RelaySession>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** Serves a new connection, which shall stay half open when its other side ends. */
  take(socket: Socket): void {
    const session: RelaySession = new RelaySession(this.#sources, socket, () => this.#makeRoom(session));
    this.#sessions.add(session);
    socket.on("close", () => this.#sessions.delete(session));
  }

  /** To be called when the engine has said something: perhaps who somebody is. */
  retry(): void {
    for (const session of this.#sessions) session.retry();
  }

  #makeRoom({ container }: RelaySession): void {
    const others = [...this.#sessions].filter(
      (session) => session.transport === "tcp" && session.container === container,
    );
    if (others.length <= mostConnections) return;
    others.reduce((a, b) => (b.active < a.active ? b : a)).close();
  }
}

/** A relay's connection. */
class RelaySession {
  readonly #sources: Sources;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #begun: () => void;
  #transport: Transport | undefined;
  #container: string | undefined;
  /** Questions that came before the engine spoke of the container. */
  #early: Early[] = [];
  #earlyTimer: NodeJS.Timeout | undefined;
  #answers: Buffer[] = [];
  /** Questions without an answer so far. */
  #waiting = 0;
  #ended = false;
  #active = performance.now();

  /** @param begun called when it is known by TCP for whom it asks */
  constructor(sources: Sources, socket: Socket, begun: () => void) {
    this.#sources = sources;
    this.#socket = socket;
    this.#begun = begun;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => this.#resume());
    socket.on("end", () => {
      this.#ended = true;
      this.#endIfAnswered();
    });
    socket.on("error", () => socket.destroy());
    socket.on("timeout", () => socket.destroy());
    socket.on("close", () => clearTimeout(this.#earlyTimer));
  }

  get container(): string | undefined {
    return this.#container;
  }

  get transport(): Transport | undefined {
    return this.#transport;
  }

  /** When something came or went last. */
  get active(): number {
    return this.#active;
  }

  close(): void {
    this.#socket.destroy();
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
    const { hello } = this.#frames;
    if (this.#container === undefined && hello !== undefined) {
      this.#container = hello.container;
      this.#transport = hello.transport;
      if (hello.transport === "tcp") {
        this.#socket.setTimeout(mostSilence);
        this.#begun();
      }
    }
    this.#active = performance.now();
    for (const frame of frames) this.#take(frame);
    if (this.#transport === "tcp" && this.#waiting >= mostWaiting) this.#socket.pause();
  }

  #take(frame: Frame): void {
    const reading = readQuery(frame.message, this.#transport ?? "udp");
    if (reading === undefined) return;
    this.#waiting += 1;
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
    const { forwarder } = this.#sources;
    const transport = this.#transport ?? "udp";
    const answer = await forwarder.ask(container, servers, frame.message, asked.question, transport);
    this.#send(frame, answer === undefined ? refuse(asked, codes.failed) : truncate(answer, asked.limit));
  }

  /** Answers of one turn go out in one write. */
  #send({ asker }: Frame, message: Uint8Array): void {
    if (this.#answers.length === 0) queueMicrotask(() => this.#flush());
    this.#answers.push(encodeFrame({ asker, message }));
    this.#waiting -= 1;
  }

  #flush(): void {
    const whole = this.#answers.length === 1 ? this.#answers[0] : Buffer.concat(this.#answers);
    this.#answers = [];
    if (whole === undefined || this.#socket.destroyed) return;
    this.#socket.write(whole);
    this.#active = performance.now();
    if (this.#socket.writableLength > mostUnread) this.#socket.pause();
    else this.#resume();
    this.#endIfAnswered();
  }

  #resume(): void {
    const full = this.#transport === "tcp" && this.#waiting >= mostWaiting;
    if (this.#socket.isPaused() && !full && this.#socket.writableLength <= mostUnread) this.#socket.resume();
  }

  /** Who asks no more may still want its answers. */
  #endIfAnswered(): void {
    if (this.#ended && this.#waiting === 0 && this.#answers.length === 0) this.#socket.end();
  }
}
