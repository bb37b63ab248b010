/**
 * What a file or directory that is copied is called in its archive, from the path that it was asked for by.
 * Source: moby's go-archive, copy.go.
 * @module
 */
import { posix } from "node:path";

/** Whether the path says that it means what is in a directory: `.`, `dir/.`. */
export function meansContent(path: string): boolean {
  return posix.basename(path) === "." || path === "." || path.endsWith("/.");
}

/** The cleaned path, with the slash or the dot at the end that the original has, because they mean something. */
export function keepEnding(cleaned: string, original: string): string {
  let path = cleaned;
  if (!meansContent(path) && meansContent(original)) path = path.endsWith("/") ? `${path}.` : `${path}/.`;
  return !path.endsWith("/") && original.endsWith("/") ? `${path}/` : path;
}

/** The last component as Go's filepath.Base has it: `/` of the root, `.` of `dir/.` and of nothing. */
export function baseName(path: string): string {
  if (path === "") return ".";
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** Directory and last component, as Go's filepath.Split has them. */
export function splitPath(path: string): { readonly directory: string; readonly base: string } {
  const slash = path.lastIndexOf("/");
  return { directory: path.slice(0, slash + 1), base: path.slice(slash + 1) };
}
