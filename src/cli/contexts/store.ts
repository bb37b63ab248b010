/**
 * Contexts as docker keeps them: `contexts/meta/ID/meta.json` and `contexts/tls/ID/docker/*.pem` below the folder of its
 * configuration, where ID is SHA-256 of the name.
 * @module
 */
import { createHash } from "node:crypto";
import { commandFailed } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";
import { fs } from "../builtins.ts";
import { messageOf } from "../../errors/mod.ts";

/** Where a context's engine is. */
export interface ContextEndpoint {
  readonly Host?: string;
  readonly SkipTLSVerify: boolean;
}

/** A context, in docker's form. */
export interface StoredContext {
  readonly Name: string;
  readonly Metadata: Readonly<Record<string, unknown>>;
  readonly Endpoints: { readonly docker?: ContextEndpoint };
}

/** Certificates by the names that they have on disk: `ca.pem`, `cert.pem`, `key.pem`. */
export type TlsMaterial = ReadonlyMap<string, Uint8Array>;

const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

/** Refuses what can't be the name of a context. @throws command-failed in docker's words */
export function checkContextName(name: string): void {
  if (name === "default") throw commandFailed(`"default" is a reserved context name`);
  if (nameForm.test(name)) return;
  throw commandFailed(
    `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`,
  );
}

/** The contexts in a folder of docker's configuration. */
export class ContextStore {
  readonly #root: string;

  constructor(configuration: string) {
    this.#root = `${configuration}/contexts`;
  }

  metadataPath(name: string): string {
    return `${this.#root}/meta/${idOf(name)}`;
  }

  tlsPath(name: string): string {
    return `${this.#root}/tls/${idOf(name)}`;
  }

  /** All of them, by name. @throws command-failed when one can't be read */
  all(): readonly StoredContext[] {
    const folder = `${this.#root}/meta`;
    if (!fs().existsSync(folder)) return [];
    return fs()
      .readdirSync(folder)
      .map((id) => parse(`${folder}/${id}/meta.json`))
      .toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
  }

  has(name: string): boolean {
    return fs().existsSync(`${this.metadataPath(name)}/meta.json`);
  }

  /** @throws command-failed in docker's words when there is none of this name */
  read(name: string): StoredContext {
    const path = `${this.metadataPath(name)}/meta.json`;
    if (!fs().existsSync(path)) {
      throw commandFailed(
        `context ${JSON.stringify(name)}: context not found: open ${path}: no such file or directory`,
      );
    }
    return parse(path);
  }

  /** The certificates of a context. */
  material(name: string): TlsMaterial {
    const folder = `${this.tlsPath(name)}/docker`;
    if (!fs().existsSync(folder)) return new Map();
    const files = fs().readdirSync(folder).toSorted();
    return new Map(files.map((file) => [file, fs().readFileSync(`${folder}/${file}`)]));
  }

  /** Writes a context, in the place of one of the same name. */
  write(context: StoredContext, material: TlsMaterial): void {
    const { Name } = context;
    const tls = this.tlsPath(Name);
    fs().rmSync(tls, { recursive: true, force: true });
    if (material.size > 0) {
      fs().mkdirSync(`${tls}/docker`, { recursive: true, mode: 0o700 });
      for (const [file, content] of material) {
        fs().writeFileSync(`${tls}/docker/${file}`, content, { mode: 0o600 });
      }
    }
    const folder = this.metadataPath(Name);
    fs().mkdirSync(folder, { recursive: true, mode: 0o755 });
    // Whoever reads it at this moment reads the old one or the new one.
    const temporary = `${folder}/.meta.json.${process.pid}`;
    fs().writeFileSync(temporary, JSON.stringify(context), { mode: 0o644 });
    fs().renameSync(temporary, `${folder}/meta.json`);
  }

  remove(name: string): void {
    fs().rmSync(this.metadataPath(name), { recursive: true, force: true });
    fs().rmSync(this.tlsPath(name), { recursive: true, force: true });
  }
}

function idOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

function parse(path: string): StoredContext {
  let text: string;
  try {
    text = fs().readFileSync(path, "utf8");
  } catch (error) {
    throw commandFailed(`failed to read metadata: ${fileProblem("open", path, error)}`, error);
  }
  try {
    const { Name = "", Metadata = {}, Endpoints = {} } = JSON.parse(text) as Partial<StoredContext>;
    return { Name, Metadata, Endpoints };
  } catch (error) {
    throw commandFailed(`failed to read metadata: parsing ${path}: ${messageOf(error)}`, error);
  }
}
