/**
 * Media types as Go's `mime.ParseMediaType` reads them, and what it says of those that are none.
 * @module
 */

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(`^\\s*;\\s*(${token})=(?:${token}|"(?:[^"\\\\]|\\\\.)*")\\s*`);

/** The type itself: in small letters, without parameters. */
export function mediaTypeOf(header: string): string {
  return (header.split(";", 1)[0] ?? "").trim().toLowerCase();
}

/** What is wrong with a media type's form, in Go's words; undefined if nothing is. */
export function mediaTypeProblem(header: string): string | undefined {
  const type = mediaTypeOf(header);
  const [first] = new RegExp(`^${token}`).exec(type) ?? [];
  if (first === undefined) return "no media type";
  const rest = type.slice(first.length);
  if (rest !== "") {
    if (!rest.startsWith("/")) return "expected slash after first token";
    const [second] = new RegExp(`^/${token}`).exec(rest) ?? [];
    if (second === undefined) return "expected token after slash";
    if (second !== rest) return "unexpected content after media subtype";
  }
  const semicolon = header.indexOf(";");
  return semicolon < 0 ? undefined : parametersProblem(header.slice(semicolon));
}

function parametersProblem(text: string): string | undefined {
  const seen = new Set<string>();
  for (let rest = text; rest.trim() !== "";) {
    const match = parameter.exec(rest);
    // A semicolon at the end is ignored.
    if (match === null) return rest.trim() === ";" ? undefined : "invalid media parameter";
    const name = (match[1] ?? "").toLowerCase();
    if (seen.has(name)) return "duplicate parameter name";
    seen.add(name);
    rest = rest.slice(match[0].length);
  }
  return undefined;
}
