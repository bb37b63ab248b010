/**
 * IP addresses as text and as bytes.
 * @module
 */

/** The 4 or 16 bytes of an address; undefined when the text is none. A zone (`%eth0`) is none. */
export function addressBytes(text: string): Uint8Array | undefined {
  return text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte < 256) ? Uint8Array.from(bytes) : undefined;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  const [head, tail] = groups;
  if (head === undefined || groups.some((half) => half.includes(-1))) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const whole = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  return Uint8Array.from(whole.flatMap((group) => [group >> 8, group & 0xff]));
}

/** 16-bit groups of one side of `::`; -1 for what is none. An IPv4 address at the very end is two. */
function groupsOf(half: string, last: boolean): number[] {
  if (half === "") return [];
  const words = half.split(":");
  return words.flatMap((word, index) => {
    if (/^[0-9a-fA-F]{1,4}$/.test(word)) return [Number.parseInt(word, 16)];
    const bytes = last && index === words.length - 1 ? ipv4Bytes(word) : undefined;
    if (bytes === undefined) return [-1];
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** Canonical text (RFC 5952) of 4 or 16 bytes. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0),
  );
  let longest = { from: -1, length: 1 };
  for (let from = 0; from < 8; from += 1) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length += 1;
    if (length > longest.length) longest = { from, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (longest.from < 0) return hex.join(":");
  return `${hex.slice(0, longest.from).join(":")}::${hex.slice(longest.from + longest.length).join(":")}`;
}

/** The address that a name for reverse look-up means, in canonical text: of `4.3.2.1.in-addr.arpa` 1.2.3.4. */
export function reverseAddress(lowerCaseName: string): string | undefined {
  if (lowerCaseName.endsWith(".in-addr.arpa")) {
    const bytes = ipv4Bytes(lowerCaseName.slice(0, -".in-addr.arpa".length).split(".").reverse().join("."));
    return bytes === undefined ? undefined : addressText(bytes);
  }
  if (!lowerCaseName.endsWith(".ip6.arpa")) return undefined;
  const nibbles = lowerCaseName.slice(0, -".ip6.arpa".length);
  if (!/^(?:[0-9a-f]\.){31}[0-9a-f]$/.test(nibbles)) return undefined;
  const hex = nibbles.split(".").reverse().join("");
  return addressText(
    Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)),
  );
}
