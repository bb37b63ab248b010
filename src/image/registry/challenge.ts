/**
 * The `WWW-Authenticate` header (RFC 9110, section 11.6.1): which schemes a registry wants, with their parameters.
 * @module
 */

/** One challenge. The scheme and the parameters' names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
}

/** A registry has no reason to send more; what is longer is ignored. */
const longest = 16 * 1024;
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const blank = /[ \t]*/y;
const separators = /[ \t,]*/y;

/**
 * Parses the header's value. Several challenges may follow each other separated by commas, as may their parameters; a
 * word followed by `=` is a parameter, any other starts a challenge. Stops at the first thing that is not understood
 * and returns what came before.
 */
export function parseChallenges(header: string | null): Challenge[] {
  const challenges: Challenge[] = [];
  if (header === null || header.length > longest) return challenges;
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(header)?.[0] ?? "";
    at += found.length;
    return found;
  };
  let params: Record<string, string> | undefined;
  for (;;) {
    take(separators);
    const word = take(token);
    if (word === "") return challenges;
    take(blank);
    if (header[at] !== "=" || params === undefined) {
      params = Object.create(null) as Record<string, string>;
      challenges.push({ scheme: word.toLowerCase(), params });
      continue;
    }
    at += 1;
    take(blank);
    const value = header[at] === '"' ? quoted(header, at) : undefined;
    if (value !== undefined) at = value.end;
    const text = value?.text ?? take(token);
    params[word.toLowerCase()] ??= text;
  }
}

/** The quoted string at `start`, or as much as there is of it, and where it ends. */
function quoted(header: string, start: number): { text: string; end: number } {
  let text = "";
  let at = start + 1;
  for (; at < header.length && header[at] !== '"'; at += 1) {
    if (header[at] === "\\") at += 1;
    text += header[at] ?? "";
  }
  return { text, end: at + 1 };
}
