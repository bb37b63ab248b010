/**
 * Sockets that systemd has opened and passed (sd_listen_fds(3)): `fd://`.
 * @module
 */
import { readFileSync, readlinkSync } from "node:fs";
import { failure } from "../errors/mod.ts";

/** The first one that is passed. */
const firstDescriptor = 3;

/** A socket that was passed. */
export interface ActivatedSocket {
  readonly descriptor: number;
  /** `FileDescriptorName=` of the socket's unit. */
  readonly name: string;
  /** Else a TCP socket. */
  readonly unix: boolean;
}

/**
 * Takes the sockets that were passed, once: nobody who is started later shall think that they are his.
 * @throws invalid-parameter when there are none
 */
export function takeActivatedSockets(env: NodeJS.ProcessEnv = process.env): readonly ActivatedSocket[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = "" } = env;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  const words = names.split(":");
  const length = Number(pid) === process.pid && /^\d{1,4}$/.test(count ?? "") ? Number(count) : 0;
  if (length === 0) {
    const message = "no sockets found via socket activation: make sure the service was started by systemd";
    throw failure("invalid-parameter", { message });
  }
  return Array.from({ length }, (_, index) => {
    const descriptor = firstDescriptor + index;
    return { descriptor, name: words[index] ?? "", unix: isUnix(descriptor) };
  });
}

/** Whether the kernel lists the socket among the unix sockets. */
function isUnix(descriptor: number): boolean {
  const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1];
  if (inode === undefined) {
    throw failure("invalid-parameter", {
      message: `failed to listen on systemd activated file: fd ${descriptor}: it is no socket`,
    });
  }
  // Num RefCount Protocol Flags Type St Inode Path
  return readFileSync("/proc/self/net/unix", "utf8")
    .split("\n")
    .some((line) => line.trim().split(/\s+/)[6] === inode);
}

/** Those of them that `fd://WHICH` means. @throws invalid-parameter in dockerd's words when there is none */
export function chooseSockets(
  sockets: readonly ActivatedSocket[],
  which: string,
): readonly ActivatedSocket[] {
  if (which === "") return sockets;
  const named = sockets.filter(({ name }) => name === which);
  if (named.length > 0) return named;
  if (!/^\d+$/.test(which)) {
    const message = `failed to parse systemd fd address: should be a number or a socket's name: ${which}`;
    throw failure("invalid-parameter", { message });
  }
  const found = sockets.filter(({ descriptor }) => descriptor === Number(which));
  if (found.length > 0) return found;
  throw failure("invalid-parameter", {
    message: "too few socket activated files passed in by systemd",
  });
}
