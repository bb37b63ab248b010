/**
 * Sysctls of a container's interface: `com.docker.network.endpoint.sysctls`.
 * @module
 */

const OPTION = "com.docker.network.endpoint.sysctls";
const families: ReadonlySet<string | undefined> = new Set(["ipv4", "ipv6", "mpls"]);

/** What an endpoint's driver options say of sysctls. */
export interface EndpointSysctls {
  /** `net.ipv4.conf.IFNAME.log_martians=1` */
  readonly sysctls: readonly string[];
  /** What is wrong with others, in Docker's words: part of `invalid endpoint settings`. */
  readonly problems: readonly string[];
}

interface Parts {
  readonly family: string;
  readonly group: string;
  readonly key: string;
  readonly value: string;
}

/** `net.X.Y.IFNAME.Z=V` taken apart; the key may contain dots, which are slashes below /proc/sys. */
function partsOf(text: string): Parts | undefined {
  const found = /^net\.([^.]+)\.([^.]+)\.(?:IFNAME|ifname)\.([^=]+)=(.*)$/s.exec(text);
  if (found === null) return undefined;
  const [, family = "", group = "", key = "", value = ""] = found;
  const isPath = [group, key].some((part) => /[/\0]/.test(part) || part.split(".").includes(""));
  return families.has(family) && !isPath ? { family, group, key, value } : undefined;
}

/** Reads and checks the option. */
export function endpointSysctls(options: Readonly<Record<string, string>> | undefined): EndpointSysctls {
  const text = options?.[OPTION];
  if (text === undefined) return { sysctls: [], problems: [] };
  const all = text.split(",");
  return {
    sysctls: all.filter((sysctl) => partsOf(sysctl) !== undefined),
    problems: all
      .filter((sysctl) => partsOf(sysctl) === undefined)
      .map(
        (sysctl) =>
          `unrecognised network interface sysctl '${sysctl}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
      ),
  };
}

/** Where a checked sysctl of the interface `name` is written, what, and how it is shown. */
export function sysctlOf(text: string, name: string): { path: string; value: string; shown: string } {
  const { family = "", group = "", key = "", value = "" } = partsOf(text) ?? {};
  return {
    path: `/proc/sys/net/${family}/${group}/${name}/${key.replaceAll(".", "/")}`,
    value,
    shown: `net.${family}.${group}.${name}.${key}=${value}`,
  };
}
