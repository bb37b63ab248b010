/**
 * Whether the firewall sees what bridges pass from port to port (br_netfilter, its switch in the host's namespace).
 * @module
 */
import { readFileSync } from "node:fs";

/** Whether it doesn't. What the module translates must not be kept from another port, so this counts when ports are made. */
export function bridgesAreUnfiltered(file = "/proc/sys/net/bridge/bridge-nf-call-iptables"): boolean {
  try {
    return readFileSync(file, "utf8").trim() !== "1";
  } catch {
    return true;
  }
}
