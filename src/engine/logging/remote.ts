/**
 * What drivers that send a log to a server have in common: their options, their messages, their connections.
 * @module
 */
import type { Executor } from "../../kernel/mod.ts";
import type { LogInfo } from "./info.ts";

/** A record of a log on its way to a server. */
export interface LogLine {
  readonly stream: "stdout" | "stderr";
  /** Without the line feed; valid only until the next record is read. */
  readonly text: Buffer;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  /** Of a piece of a line that is longer than a record holds. */
  readonly piece?: { readonly id: string; readonly ordinal: number; readonly last: boolean };
}

/** A connection to a log server. */
export interface LogSink {
  /** Resolves when the server has the messages, as far as its protocol lets one know. Rejects when it is lost. */
  send(messages: readonly Buffer[]): Promise<void>;
  /** Whether the server itself says that it has the messages. */
  readonly certain?: boolean;
  close(): void;
}

/** What connections are made with. */
export interface SinkHost {
  /** An executor of its own, for sockets that the engine itself can't have. */
  session(): Executor;
  /** Whether something is at a path of the host. Throws if its file system doesn't answer: nothing may be tried there. */
  has(path: string): Promise<boolean>;
  /** The content of a file of the host. Throws as `has` does, and the kernel's errors. */
  read(path: string): Promise<Uint8Array>;
}

/** One container's way to a log server. */
export interface RemoteLog {
  /** A record as the server takes it; undefined: it takes none like this. */
  encode(line: LogLine): Buffer | undefined;
  /** Throws `unavailable` with Go's text. */
  connect(host: SinkHost): Promise<LogSink>;
  /** Whether a container isn't started when there is no connection. */
  readonly connectsAtStart: boolean;
  /** Milliseconds before the first new try; each other one waits half as long again. */
  readonly retryWait: number;
  /** How often the same messages are tried again before they are given up; undefined: for ever. */
  readonly retries?: number;
  /** Bytes that are sent at once. */
  readonly batch: number;
  /** Milliseconds after which a connection is made anew, so that a name may have another address. */
  readonly renewal?: number;
}

/** A file of the host, and what is told if it isn't there: in dockerd's words. */
export interface RequiredFile {
  readonly path: string;
  readonly problem: string;
  /** Whether dockerd finds it only when a container is started. */
  readonly atStart: boolean;
}

/** A driver that sends logs to a server. */
export interface RemoteDriver {
  /** Its options, without those of all drivers. */
  readonly options: ReadonlySet<string>;
  /** Checks the options in dockerd's words, as far as they don't depend on a container. */
  check(options: Readonly<Record<string, string>>): void;
  /** Files of the host that there must be. */
  files?(options: Readonly<Record<string, string>>): readonly RequiredFile[];
  /** Throws in dockerd's words what it finds only when a container is started. */
  open(info: LogInfo, options: Readonly<Record<string, string>>): RemoteLog;
}

/** Options that most drivers have. */
export const attributeOptions: readonly string[] = ["labels", "labels-regex", "env", "env-regex", "tag"];

/** So much is sent at once unless an option says otherwise. */
export const defaultBatch: number = 256 * 1024;
