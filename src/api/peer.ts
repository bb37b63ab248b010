/**
 * Who asks: a process of this machine, an address, or whoever has a certificate.
 * @module
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Engine } from "../engine/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { Log } from "./log.ts";
import { addressOf } from "./tcp-listener.ts";

/** A client, as far as it can be known. */
export type Peer =
  | { readonly pid: number; readonly uid: number; readonly gid: number }
  | {
      /** `127.0.0.1:34567` */
      readonly address: string;
      /** The common name of its certificate, and SHA-256 of it: two authorities may have the same names. */
      readonly certificate?: string;
      readonly fingerprint?: string;
    }
  /** A client that went before it was asked for. */
  | { readonly unknown: true };

/** Finds out who is at the other end of a connection. */
export async function peerOf(socket: Socket, engine: Engine, log: Log): Promise<Peer> {
  if (socket.remoteAddress !== undefined) return { address: addressOf(socket), ...certificateOf(socket) };
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return { unknown: true };
  try {
    const { pid, uid, gid } = await engine.peerCredentials(descriptor);
    // The number may have become another connection's meanwhile.
    return descriptorOf(socket) === descriptor ? { pid, uid, gid } : { unknown: true };
  } catch (error) {
    log.warn("a client can't be identified", { error: messageOf(error) });
    return { unknown: true };
  }
}

/** Bun keeps it where Node has an object of its own. */
function descriptorOf(socket: Socket): number | undefined {
  if (socket.destroyed) return undefined;
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  const descriptor = handle?.fd;
  return descriptor !== undefined && descriptor >= 0 ? descriptor : undefined;
}

function certificateOf(socket: Socket): { certificate?: string; fingerprint?: string } {
  if (!("getPeerCertificate" in socket)) return {};
  // Without a certificate it is an empty object, whatever its type says.
  const found = (socket as TLSSocket).getPeerCertificate() as Partial<
    ReturnType<TLSSocket["getPeerCertificate"]>
  > | null;
  const name = found?.subject?.CN;
  return {
    ...(typeof name === "string" ? { certificate: name } : {}),
    ...(found?.fingerprint256 === undefined ? {} : { fingerprint: found.fingerprint256 }),
  };
}
