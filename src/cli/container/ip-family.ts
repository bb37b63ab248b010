/**
 * Which kind of IP address a text is, as `net.isIP` says, without loading node:net.
 * @module
 */

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** 4, 6, or 0 for a text that is no address. */
export function ipFamily(text: string): 0 | 4 | 6 {
  if (ipv4.test(text)) return 4;
  return isIpv6(text) ? 6 : 0;
}

/** RFC 4291, section 2.2: eight groups, one run of zeros as `::`, the last two perhaps as an IPv4 address. */
function isIpv6(text: string): boolean {
  const [address = "", zone] = text.split("%");
  const last = address.slice(address.lastIndexOf(":") + 1);
  if (zone === "" || !address.includes(":") || (last.includes(".") && !ipv4.test(last))) return false;
  const groups = last.includes(".") ? `${address.slice(0, -last.length)}0:0` : address;
  const halves = groups.split("::");
  const parts = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (halves.length > 2 || !parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return false;
  return halves.length === 2 ? parts.length <= 7 : parts.length === 8;
}
