/**
 * Linux capabilities: names and bits, Docker's rules for `--cap-add` and `--cap-drop`, the five sets of a process.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** Names in the order of their bits (linux/capability.h); the newest came with Linux 5.9. */
export const capabilityNames: readonly string[] =
  `CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP
  CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER
  CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE
  CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP
  CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF
  CAP_CHECKPOINT_RESTORE`.split(/\s+/);

/** Bit number of each capability. */
export const capabilityBits: Readonly<Record<string, number>> = Object.fromEntries(
  capabilityNames.map((name, bit) => [name, bit]),
);

/** What a container has if nothing else is said: Docker's 14, in Docker's order. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** The five sets of OCI's `process.capabilities` (capabilities(7)). */
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

/** Bits of `names`. Names that don't exist have none, as in runc: a bundle may know newer ones than we do. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => {
    const bit = bitOf(name);
    return bit === undefined ? mask : mask | (1n << BigInt(bit));
  }, 0n);
}

function bitOf(name: string): number | undefined {
  return Object.hasOwn(capabilityBits, name) ? capabilityBits[name] : undefined;
}

/** Names of the bits in `mask`, in the order of the bits. */
export function capabilitiesIn(mask: bigint): string[] {
  return capabilityNames.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/**
 * The capabilities that can be given to a container here.
 * @param lastCap /proc/sys/kernel/cap_last_cap, the highest bit that the kernel knows
 * @param bounding the engine's own bounding set (CapBnd), which nothing can exceed
 */
export function availableCapabilities(lastCap: number, bounding: bigint = ~0n): bigint {
  const known = (1n << BigInt(Math.min(lastCap + 1, capabilityNames.length))) - 1n;
  return known & bounding;
}

/** What a container asks for, and what there is. */
export interface CapabilityRequest {
  /** `--cap-add`: names with or without `CAP_`, in any case, or ALL. */
  readonly add?: readonly string[];
  /** `--cap-drop`, likewise. */
  readonly drop?: readonly string[];
  readonly privileged?: boolean;
  /** From {@link availableCapabilities}. */
  readonly available: bigint;
}

/**
 * The capabilities of a container, by Docker's rules: ALL in `add` means everything but `drop`; ALL in `drop` means
 * `add` alone; otherwise the default without `drop` and with `add`. Privileged is everything there is.
 * @throws invalid-parameter `invalid CapAdd: …`, `invalid CapDrop: …`
 */
export function resolveCapabilities(request: CapabilityRequest): string[] {
  const { available, privileged = false } = request;
  const add = normalizeCapabilities("CapAdd", request.add ?? [], available);
  const drop = normalizeCapabilities("CapDrop", request.drop ?? [], available);
  const everything = capabilitiesIn(available);
  if (privileged) return everything;
  if (add.includes("ALL")) return everything.filter((name) => !drop.includes(name));
  if (drop.includes("ALL")) return [...new Set(add)];
  const kept = defaultCapabilities.filter((name) => everything.includes(name) && !drop.includes(name));
  return [...new Set([...kept, ...add])];
}

/**
 * `names` in upper case with their prefix; ALL stays as it is.
 * @param option the field to blame, `CapAdd` or `CapDrop`
 * @throws invalid-parameter in Docker's words
 */
export function normalizeCapabilities(option: string, names: readonly string[], available: bigint): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === "ALL") return upper;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    const bit = bitOf(name);
    const quoted = JSON.stringify(name);
    if (bit === undefined)
      throw failure("invalid-parameter", { message: `invalid ${option}: unknown capability: ${quoted}` });
    if (((available >> BigInt(bit)) & 1n) === 0n) {
      throw failure("invalid-parameter", {
        message: `invalid ${option}: capability not supported by your kernel or not available in the current environment: ${quoted}`,
      });
    }
    return name;
  });
}

/**
 * The sets of a container's process. Root gets `capabilities`. Another user gets none, as execve(2) would leave it,
 * but those asked for by name with `--cap-add`, as ambient ones, or asking for them would have no effect. The
 * inheritable set is empty (CVE-2022-24769) save for the ambient ones: the kernel lets nothing be ambient that is not
 * inheritable too.
 * @param capabilities from {@link resolveCapabilities}
 * @param added the container's `--cap-add`
 */
export function capabilitySets(
  capabilities: readonly string[],
  { uid, added = [] }: { readonly uid: number; readonly added?: readonly string[] },
): CapabilitySets {
  if (uid === 0) {
    return {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: [],
      ambient: [],
    };
  }
  const asked = normalizeCapabilities("CapAdd", added, ~0n);
  const ambient = asked.includes("ALL")
    ? capabilities
    : capabilities.filter((capability) => asked.includes(capability));
  return { bounding: capabilities, effective: ambient, permitted: ambient, inheritable: ambient, ambient };
}

/** `struct __user_cap_header_struct` for capset(2): version 3, the calling thread. Little endian. */
export function capsetHeader(): Uint8Array {
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, 0x20080522, true);
  return header;
}

/** The two `struct __user_cap_data_struct` for capset(2): low words of the three sets, then high words. Little endian. */
export function capsetData(
  sets: Pick<CapabilitySets, "effective" | "permitted" | "inheritable">,
): Uint8Array {
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  [sets.effective, sets.permitted, sets.inheritable].forEach((names, i) => {
    const mask = capabilityMask(names);
    view.setUint32(i * 4, Number(mask & 0xffffffffn), true);
    view.setUint32(12 + i * 4, Number(mask >> 32n), true);
  });
  return data;
}
