/**
 * What is wrong with a file, in the words of Go's os package, which docker's users know.
 * @module
 */
import { messageOf } from "../errors/mod.ts";

const words: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EEXIST: "file exists",
  EISDIR: "is a directory",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
};

/** `open /x: no such file or directory` */
export function fileProblem(doing: string, path: string, error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  return `${doing} ${path}: ${words[code] ?? messageOf(error)}`;
}
