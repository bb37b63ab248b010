/**
 * `caisson login` and `caisson logout`
 * @module
 */
import type { Command, Context } from "../command.ts";
import { CredentialStore, dockerHub, type Credentials } from "../credentials.ts";
import { commandFailed } from "../failure-text.ts";
import type { Flags } from "../flags.ts";

/** `caisson login` */
export const login: Command = {
  use: "[OPTIONS] [SERVER]",
  long: "Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
  flags: [
    { name: "password", short: "p", type: "string", usage: "Password or Personal Access Token (PAT)" },
    {
      name: "password-stdin",
      type: "bool",
      usage: "Take the Password or Personal Access Token (PAT) from stdin",
    },
    { name: "username", short: "u", type: "string", usage: "Username" },
  ],
  args: { min: 0, max: 1 },
  run: async (context, flags, [given]) => {
    const server = serverName(given);
    const store = new CredentialStore();
    const wanted = await asked(context, flags);
    const kept = wanted.username === "" && wanted.password === "" ? store.get(server) : undefined;
    const credentials = kept ?? (await complete(context, wanted));
    if (kept !== undefined) {
      context.stdout.line(`Authenticating with existing credentials... [Username: ${kept.username}]`);
      const program = context.program;
      context.stdout.text(
        `\n Info -> To login with a different account, run '${program} logout' followed by '${program} login'\n\n\n`,
      );
    }
    const client = await context.client();
    const { Status, IdentityToken } = await client.system.login({
      username: credentials.username,
      password: credentials.password,
      ...(credentials.identitytoken === undefined ? {} : { identitytoken: credentials.identitytoken }),
      serveraddress: server,
    });
    const identitytoken = IdentityToken ? { identitytoken: IdentityToken } : {};
    store.store(server, { ...credentials, ...identitytoken });
    // What was there already was warned of then.
    if (kept === undefined && store.inFile(server)) context.stderr.text(unencrypted(store.path));
    if (Status) context.stdout.line(Status);
    return 0;
  },
};

function unencrypted(path: string): string {
  return `
WARNING! Your credentials are stored unencrypted in '${path}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/

`;
}

/** A registry's host; Docker's own under the name by which it has always been kept. */
function serverName(given: string | undefined): string {
  if (given === undefined || given === "" || given === "docker.io" || given === dockerHub) return dockerHub;
  return given.replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
}

/** What the flags say. */
async function asked(context: Context, flags: Flags): Promise<Credentials> {
  const username = flags.string("username") ?? "";
  const password = flags.string("password") ?? "";
  if (password !== "") {
    if (flags.bool("password-stdin"))
      throw commandFailed("conflicting options: cannot specify both --password and --password-stdin");
    context.stderr.line("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
  }
  if (!flags.bool("password-stdin")) return { username, password };
  if (username === "") throw commandFailed("the --password-stdin option requires --username to be set");
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of context.stdin()) text += decoder.decode(bytes, { stream: true });
  return { username, password: text.replace(/\r?\n$/, "") };
}

/** Asks the person for what is missing. */
async function complete(context: Context, { username, password }: Credentials): Promise<Credentials> {
  if (username !== "" && password !== "") return { username, password };
  if (!context.stdinTerminal)
    throw commandFailed("Error: Cannot perform an interactive login from a non TTY device");
  const name = username === "" ? (await ask(context, "Username: ")).trim() : username;
  if (name === "") throw commandFailed("Error: Non-null Username Required");
  const secret = password === "" ? await askSecret(context) : password;
  if (secret === "") throw commandFailed("Error: Password Required");
  return { username: name, password: secret };
}

async function ask(context: Context, question: string): Promise<string> {
  context.stdout.text(question);
  let line = "";
  for await (const bytes of context.stdin()) {
    line += new TextDecoder().decode(bytes);
    if (/[\r\n]/.test(line)) break;
  }
  return line.split(/[\r\n]/, 1)[0] ?? "";
}

/** What is typed isn't shown. */
async function askSecret(context: Context): Promise<string> {
  const { spawnSync } = await import("node:child_process");
  const echo = (on: boolean): void =>
    void spawnSync("stty", [on ? "echo" : "-echo"], { stdio: ["inherit", "ignore", "ignore"] });
  echo(false);
  try {
    return await ask(context, "Password: ");
  } finally {
    echo(true);
    context.stdout.text("\n");
  }
}

/** `caisson logout` */
export const logout: Command = {
  use: "[SERVER]",
  long: "Log out from a registry.\nIf no server is specified, the default is defined by the daemon.",
  flags: [],
  args: { min: 0, max: 1 },
  run: async (context, _, [given]) => {
    const server = serverName(given);
    context.stdout.line(`Removing login credentials for ${server}`);
    // Older versions kept them with a scheme.
    const names = server === dockerHub ? [server] : [server, `http://${server}`, `https://${server}`];
    new CredentialStore().erase(names);
    return 0;
  },
};
