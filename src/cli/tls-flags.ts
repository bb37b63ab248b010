/**
 * Flags of TLS, which docker and dockerd have alike.
 * @module
 */
import type { FlagSpec } from "./flags.ts";

/** In the order in which both list them. */
export const tlsFlags: readonly FlagSpec[] = [
  { name: "tls", type: "bool", usage: "Use TLS; implied by --tlsverify" },
  {
    name: "tlscacert",
    type: "string",
    usage: "Trust certs signed only by this CA",
    shown: '"/root/.docker/ca.pem"',
  },
  {
    name: "tlscert",
    type: "string",
    usage: "Path to TLS certificate file",
    shown: '"/root/.docker/cert.pem"',
  },
  { name: "tlskey", type: "string", usage: "Path to TLS key file", shown: '"/root/.docker/key.pem"' },
  { name: "tlsverify", type: "bool", usage: "Use TLS and verify the remote" },
];
