/**
 * Credentials for registries, where `docker login` keeps them: in ~/.docker/config.json, or with a helper that it names
 * (a program `docker-credential-NAME`).
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { failure, messageOf } from "../errors/mod.ts";
import { codeOf } from "./output.ts";

/** Docker's own registry, under the name by which its credentials are kept. */
export const dockerHub = "https://index.docker.io/v1/";

/** What a registry wants to know. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** In the place of a password: what a registry gave out at a login. */
  readonly identitytoken?: string;
}

/** By this name a helper says that its secret is an identity token. */
const tokenName = "<token>";

interface ConfigFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly [other: string]: unknown;
}

/** The credentials of one user. */
export class CredentialStore {
  readonly #directory: string;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.#directory = env["DOCKER_CONFIG"] || `${env["HOME"] ?? "/root"}/.docker`;
  }

  /** The file in which they are. */
  get path(): string {
    return `${this.#directory}/config.json`;
  }

  /** Whether what is stored for `server` lies in the file, readable to whoever reads that. */
  inFile(server: string): boolean {
    return this.#helper(this.#read(), server) === undefined;
  }

  /** Those for `server`, a host or {@link dockerHub}; undefined if there are none. Throws `command-failed` with a helper's words. */
  get(server: string): Credentials | undefined {
    const config = this.#read();
    const helper = this.#helper(config, server);
    if (helper !== undefined) return askHelper(helper, server);
    const found = Object.entries(config.auths ?? {}).find(([name]) => hostOf(name) === hostOf(server));
    const entry = config.auths?.[server] ?? found?.[1];
    if (entry === undefined) return undefined;
    const { identitytoken, auth = "" } = entry;
    const text = Buffer.from(auth, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon < 0 && !identitytoken) return undefined;
    return {
      username: text.slice(0, Math.max(0, colon)),
      password: text.slice(colon + 1).replace(/\0+$/, ""),
      ...(identitytoken ? { identitytoken } : {}),
    };
  }

  /** Keeps credentials. */
  store(server: string, { username, password, identitytoken }: Credentials): void {
    const config = this.#read();
    const helper = this.#helper(config, server);
    if (helper !== undefined) {
      const secret = identitytoken === undefined ? [username, password] : [tokenName, identitytoken];
      runHelper(
        helper,
        "store",
        JSON.stringify({ ServerURL: server, Username: secret[0], Secret: secret[1] }),
      );
      return;
    }
    const auth = Buffer.from(`${username}:${identitytoken === undefined ? password : ""}`).toString("base64");
    const entry = identitytoken === undefined ? { auth } : { auth, identitytoken };
    this.#write({ ...config, auths: { ...config.auths, [server]: entry } });
  }

  /** Forgets credentials, under each of these names. */
  erase(servers: readonly string[]): void {
    const config = this.#read();
    const left = Object.entries(config.auths ?? {}).filter(([name]) => !servers.includes(name));
    for (const server of servers) {
      const helper = this.#helper(config, server);
      if (helper !== undefined) runHelper(helper, "erase", server);
    }
    this.#write({ ...config, auths: Object.fromEntries(left) });
  }

  #helper({ credHelpers, credsStore }: ConfigFile, server: string): string | undefined {
    const name = credHelpers?.[server] ?? credsStore ?? "";
    return name === "" ? undefined : name;
  }

  #read(): ConfigFile {
    try {
      const value: unknown = JSON.parse(readFileSync(this.path, "utf8"));
      return typeof value === "object" && value !== null ? (value as ConfigFile) : {};
    } catch (error) {
      if (codeOf(error) === "ENOENT") return {};
      throw failure(
        "command-failed",
        { message: `Error loading config file: ${this.path}: ${messageOf(error)}` },
        error,
      );
    }
  }

  #write(config: ConfigFile): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const temporary = `${this.path}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify(config, undefined, "\t"), { mode: 0o600 });
    renameSync(temporary, this.path);
  }
}

/** As docker compares names: without scheme and path. */
function hostOf(server: string): string {
  return server.replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
}

function askHelper(helper: string, server: string): Credentials | undefined {
  const answer = runHelper(helper, "get", server);
  if (answer === undefined) return undefined;
  const { Username: username = "", Secret: secret = "" } = JSON.parse(answer) as {
    Username?: string;
    Secret?: string;
  };
  if (username === tokenName) return { username: "", password: "", identitytoken: secret };
  return { username, password: secret };
}

/** What the helper says; undefined if it has no such credentials. */
function runHelper(helper: string, action: "get" | "store" | "erase", input: string): string | undefined {
  if (!/^[\w.-]+$/.test(helper))
    throw failure("command-failed", { message: `invalid credential helper: ${helper}` });
  const program = `docker-credential-${helper}`;
  const { status, stdout, stderr, error } = spawnSync(program, [action], { input, encoding: "utf8" });
  if (status === 0) return stdout;
  const said = `${stdout ?? ""}${stderr ?? ""}`.trim();
  if (action !== "store" && /credentials not found|no credentials/i.test(said)) return undefined;
  const why = error === undefined ? `out: \`${said}\`` : messageOf(error);
  throw failure("command-failed", {
    message: `error ${doing[action]} credentials - err: exit status ${status ?? 1}, ${why}`,
  });
}

const doing = { get: "getting", store: "storing", erase: "erasing" } as const;
