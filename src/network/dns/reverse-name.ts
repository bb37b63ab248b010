/**
 * Names for reverse look-up.
 * @module
 */
import { addressText, tryAddressBytes } from "../../kernel/netlink/mod.ts";

/** The address that a name for reverse look-up means, in canonical text: of `4.3.2.1.in-addr.arpa` 1.2.3.4. */
export function reverseAddress(lowerCaseName: string): string | undefined {
  if (lowerCaseName.endsWith(".in-addr.arpa")) {
    const text = lowerCaseName.slice(0, -".in-addr.arpa".length).split(".").reverse().join(".");
    const bytes = tryAddressBytes(text);
    return bytes?.length === 4 ? addressText(bytes) : undefined;
  }
  if (!lowerCaseName.endsWith(".ip6.arpa")) return undefined;
  const nibbles = lowerCaseName.slice(0, -".ip6.arpa".length);
  if (!/^(?:[0-9a-f]\.){31}[0-9a-f]$/.test(nibbles)) return undefined;
  const hex = nibbles.split(".").reverse().join("");
  return addressText(
    Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)),
  );
}
