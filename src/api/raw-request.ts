/**
 * Requests for a stream that don't ask for an upgrade. HTTP's parser would take the raw bytes after such a request for
 * the next one, so the word that makes it let go of the connection is put into the request before the parser sees it.
 * @module
 */

/** What such a request's `Upgrade` header is made to say. */
export const rawUpgrade = "caisson-raw";

const streams = /^POST (?:\/v[\d.]+)?\/(?:containers\/[^ ?]+\/attach|exec\/[^ ?]+\/start)[? ]/;
const post = Buffer.from("POST ");
/** Where a line of the request that matters may end at most. */
const lineLimit = 4096;

/**
 * The first bytes of a connection, with an upgrade to {@link rawUpgrade} put in if they are a whole head of a request
 * for a stream that has none; all others stay as they are.
 */
export function askForRaw(first: Buffer): Buffer {
  if (!first.subarray(0, post.length).equals(post)) return first;
  if (!streams.test(first.subarray(0, lineLimit).toString("latin1"))) return first;
  const end = first.indexOf("\r\n\r\n");
  if (end < 0) return first;
  const [line = "", ...headers] = first.subarray(0, end).toString("latin1").split("\r\n");
  if (headers.some((header) => /^upgrade:/i.test(header))) return first;
  // A chunked body may be the input itself, which only the parser can undo; see takeOver.
  if (headers.some((header) => /^transfer-encoding:/i.test(header))) return first;
  const kept = headers.filter((header) => !/^connection:/i.test(header));
  const head = [line, ...kept, "Connection: Upgrade", `Upgrade: ${rawUpgrade}`].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), first.subarray(end)]);
}
