/**
 * Shell patterns as Go's `path.Match` has them, which match names of images: `*` and `?` don't match a slash.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** What one place of a pattern takes: any character but a slash, or one that the test lets through. */
type Place =
  { readonly star: true } | { readonly star: false; readonly test: (character: string) => boolean };

/** Compiles a pattern. Throws `invalid-parameter` with Go's text if it isn't one. Matching takes no time of note. */
export function shellPattern(pattern: string): (text: string) => boolean {
  const places = parse(Array.from(pattern));
  return (text) => matches(places, Array.from(text));
}

function parse(characters: readonly string[]): Place[] {
  const places: Place[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*") {
      if (places.at(-1)?.star !== true) places.push({ star: true });
    } else if (character === "?") places.push({ star: false, test: (own) => own !== "/" });
    else if (character === "[") {
      const { end, test } = parseClass(characters, at + 1);
      places.push({ star: false, test });
      at = end;
    } else {
      if (character === "\\") at += 1;
      const literal = characters[at];
      if (literal === undefined) throw bad();
      places.push({ star: false, test: (own) => own === literal });
    }
  }
  return places;
}

/** The class that begins after the bracket at `from`. */
function parseClass(
  characters: readonly string[],
  from: number,
): { end: number; test: (character: string) => boolean } {
  const negated = characters[from] === "^";
  const ranges: (readonly [string, string])[] = [];
  let at = negated ? from + 1 : from;
  const next = (): string => {
    if (characters[at] === "\\") at += 1;
    else if (characters[at] === "-" || characters[at] === "]") throw bad();
    const character = characters[at++];
    if (character === undefined) throw bad();
    return character;
  };
  while (characters[at] !== "]" || ranges.length === 0) {
    const low = next();
    let high = low;
    if (characters[at] === "-") {
      at += 1;
      high = next();
    }
    ranges.push([low, high]);
  }
  const test = (own: string): boolean => ranges.some(([low, high]) => low <= own && own <= high) !== negated;
  return { end: at, test };
}

function bad(): Error {
  return failure("invalid-parameter", { message: "syntax error in pattern" });
}

/** The last star alone is ever tried again: what comes before it already matched as early as it can. */
function matches(places: readonly Place[], text: readonly string[]): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let from = 0;
  while (at < text.length) {
    const current = places[place];
    if (current?.star === true) {
      star = place++;
      from = at;
    } else if (current?.test(text[at] ?? "") === true) {
      place += 1;
      at += 1;
    } else if (star >= 0 && text[from] !== "/") {
      at = ++from;
      place = star + 1;
    } else return false;
  }
  while (places[place]?.star === true) place += 1;
  return place === places.length;
}
