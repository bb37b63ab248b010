/**
 * `ssh://[user@]host[:port][/path]` as the command that joins an engine there to standard input and output.
 * @module
 */
import { failure } from "../errors/mod.ts";

/**
 * The command, with docker's arguments. On the far side `caisson system dial-stdio` runs, at the socket that the path
 * names, or at that side's own.
 * @throws usage in docker's words for what is no host
 */
export function sshCommand(host: string): readonly [string, ...string[]] {
  const wrong = (why: string): Error =>
    failure("usage", { message: `ssh host connection is not valid: ${why}` });
  if (!URL.canParse(host)) throw wrong(`invalid SSH URL: ${host}`);
  const { hostname, username, password, port, pathname, search, hash } = new URL(host);
  if (password !== "") throw wrong("invalid SSH URL: plain-text password is not supported");
  if (hostname === "") throw wrong("invalid SSH URL: no host specified");
  if (search !== "") throw wrong(`invalid SSH URL: query parameters are not allowed: "${search.slice(1)}"`);
  if (hash !== "") throw wrong(`invalid SSH URL: fragments are not allowed: "${hash.slice(1)}"`);
  const user = decodeURIComponent(username);
  const socket = decodeURIComponent(pathname);
  const far = [
    "caisson",
    ...(/^\/*$/.test(socket) ? [] : [`--host=unix://${socket}`]),
    "system",
    "dial-stdio",
  ];
  return [
    "ssh",
    "-o",
    "ConnectTimeout=30",
    "-T",
    ...(user === "" ? [] : ["-l", user]),
    ...(port === "" ? [] : ["-p", port]),
    "--",
    hostname.replace(/^\[|\]$/g, ""),
    far.map(quoted).join(" "),
  ];
}

/** For the far side's shell, which ssh gives the words to as one. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
