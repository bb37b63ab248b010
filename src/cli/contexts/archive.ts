/**
 * A context as the tar archive that `docker context export` writes: `meta.json`, and `tls/docker/*.pem`.
 * @module
 */
import { failure, messageOf } from "../../errors/mod.ts";
import type { StoredContext, TlsMaterial } from "./store.ts";

const block = 512;
/** More than any context has; docker's own limit. */
const longest = 10 << 20;

/** The archive's bytes (ustar: pax(1)). */
export function packContext(context: StoredContext, material: TlsMaterial): Uint8Array {
  const parts: Uint8Array[] = [...entry("meta.json", 0o644, Buffer.from(JSON.stringify(context)))];
  if (material.size > 0) {
    parts.push(...entry("tls", 0o700), ...entry("tls/docker", 0o700));
    for (const [file, content] of material) parts.push(...entry(`tls/docker/${file}`, 0o600, content));
  }
  parts.push(new Uint8Array(2 * block));
  return Buffer.concat(parts);
}

function entry(name: string, mode: number, content?: Uint8Array): readonly Uint8Array[] {
  const header = Buffer.alloc(block);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  const size = content?.length ?? 0;
  header.write(name, 0);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("        ", 148);
  header.write(content === undefined ? "5" : "0", 156);
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  if (content === undefined) return [header];
  return [header, content, new Uint8Array((block - (size % block)) % block)];
}

/** Reads an archive. @throws usage for what is none, or holds other files */
export function unpackContext(archive: Uint8Array): { context: StoredContext; material: TlsMaterial } {
  const bytes = Buffer.from(archive);
  if (bytes.length > longest) throw wrong(`larger than ${longest} bytes`);
  if (bytes.subarray(0, 4).toString("latin1") === "PK\x03\x04") {
    throw failure("not-implemented", { what: "importing a context from a zip file" });
  }
  let context: StoredContext | undefined;
  const material = new Map<string, Uint8Array>();
  for (let at = 0; at + block <= bytes.length && bytes[at] !== 0;) {
    const text = (start: number, length: number): string =>
      bytes.toString("utf8", at + start, at + start + length).split("\0", 1)[0] ?? "";
    const name = text(0, 100).replace(/\/$/, "");
    const size = Number.parseInt(text(124, 12).trim() || "0", 8);
    const type = text(156, 1);
    const from = at + block;
    if (!(size >= 0) || from + size > bytes.length) throw wrong("unexpected EOF");
    const content = bytes.subarray(from, from + size);
    at = from + Math.ceil(size / block) * block;
    if (type === "5" || type === "x" || type === "g") continue;
    const file = /^tls\/docker\/(ca|cert|key)\.pem$/.exec(name)?.[1];
    if (file !== undefined) material.set(`${file}.pem`, content);
    else if (name === "meta.json") context = readMetadata(content.toString("utf8"));
    else throw wrong(`unexpected context file: ${name}`);
  }
  if (context === undefined) throw wrong("invalid context: no metadata found");
  return { context, material };
}

function readMetadata(text: string): StoredContext {
  try {
    const { Name = "", Metadata = {}, Endpoints = {} } = JSON.parse(text) as Partial<StoredContext>;
    return { Name, Metadata, Endpoints };
  } catch (error) {
    throw wrong(messageOf(error));
  }
}

function wrong(message: string): Error {
  return failure("usage", { message });
}
