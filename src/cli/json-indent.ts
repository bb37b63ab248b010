/**
 * JSON laid out as Go's json.Indent does it: tokens stay as they were written, so numbers keep their digits.
 * @module
 */

/** `json` with each level indented by `step`. */
export function indentJson(json: string, step: string): string {
  let text = "";
  let depth = 0;
  const line = (): string => `\n${step.repeat(depth)}`;
  const token = /\s+|"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
  let opened = false;
  for (const [word] of json.matchAll(token)) {
    if (word.trim() === "") continue;
    if (opened && word !== "}" && word !== "]") text += line();
    if (word === "{" || word === "[") {
      text += word;
      depth++;
      opened = true;
      continue;
    }
    if (word === "}" || word === "]") {
      depth--;
      text += (opened ? "" : line()) + word;
    } else if (word === ",") text += word + line();
    else if (word === ":") text += ": ";
    else text += word;
    opened = false;
  }
  return text;
}

/** `json` without white space between its tokens, the tokens as they were written. */
export function compactJson(json: string): string {
  return (json.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? []).join("");
}
