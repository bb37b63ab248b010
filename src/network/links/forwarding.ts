/**
 * The host as a router: without it nothing goes from containers to other machines.
 * @module
 */
import { writeProc, type ProgramBuilder } from "../../kernel/mod.ts";

/** Adds the switching on of packet forwarding in the namespace of whoever runs the program. */
export function enableForwarding(
  b: ProgramBuilder,
  { ipv4, ipv6 }: { readonly ipv4: boolean; readonly ipv6: boolean },
): void {
  const on = (sysctl: string): void => {
    writeProc(b, `set ${sysctl}=1`, `/proc/sys/${sysctl.replaceAll(".", "/")}`, "1", {
      tolerate: ["ENOENT"],
    });
  };
  if (ipv4) on("net.ipv4.ip_forward");
  // First for interfaces to come, so that none is left out.
  if (ipv6) for (const which of ["default", "all"]) on(`net.ipv6.conf.${which}.forwarding`);
}
