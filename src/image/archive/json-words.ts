/**
 * The JSON form of a Dockerfile instruction.
 * @module
 */

/** The strings of a JSON list; undefined if the text is anything else, which then is a shell's command line. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}
