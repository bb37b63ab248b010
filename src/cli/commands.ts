/**
 * The tree of commands: names, one-line descriptions, and where each one's code lies. Nothing is loaded from here until
 * a command runs.
 * @module
 */
import type { Command } from "./command.ts";
import type { Entry } from "./command-entry.ts";
import { networks } from "./network-commands.ts";
import { volumes } from "./volume-commands.ts";
import { contexts } from "./contexts/entries.ts";

export type { Entry } from "./command-entry.ts";

/** A container command: spelled `caisson x` and `caisson container x`. */
function container(name: string, short: string, load: () => Promise<Command>, common = false): Entry {
  return { name, short, load, common, spellings: [`container ${name}`, name] };
}

/** An image command: spelled `caisson x` and `caisson image x`. */
function image(name: string, short: string, load: () => Promise<Command>, common = false): Entry {
  return { name, short, load, common, spellings: [`image ${name}`, name] };
}

const attach = container(
  "attach",
  "Attach local standard input, output, and error streams to a running container",
  async () => (await import("./container/attach.ts")).attach,
);
const commit = container(
  "commit",
  "Create a new image from a container's changes",
  async () => (await import("./container/commit.ts")).commit,
);
const cp = container(
  "cp",
  "Copy files/folders between a container and the local filesystem",
  async () => (await import("./container/cp.ts")).cp,
);
const create = container(
  "create",
  "Create a new container",
  async () => (await import("./container/create.ts")).create,
);
const diff = container(
  "diff",
  "Inspect changes to files or directories on a container's filesystem",
  async () => (await import("./container/diff.ts")).diff,
);
const exportContainer = container(
  "export",
  "Export a container's filesystem as a tar archive",
  async () => (await import("./container/export.ts")).exportContainer,
);
const exec = container(
  "exec",
  "Execute a command in a running container",
  async () => (await import("./container/exec.ts")).exec,
  true,
);
const kill = container(
  "kill",
  "Kill one or more running containers",
  async () => (await import("./container/lifecycle.ts")).kill,
);
const logs = container(
  "logs",
  "Fetch the logs of a container",
  async () => (await import("./container/logs.ts")).logs,
);
const pause = container(
  "pause",
  "Pause all processes within one or more containers",
  async () => (await import("./container/lifecycle.ts")).pause,
);
const port = container(
  "port",
  "List port mappings or a specific mapping for the container",
  async () => (await import("./container/port.ts")).port,
);
const rename = container(
  "rename",
  "Rename a container",
  async () => (await import("./container/lifecycle.ts")).rename,
);
const restart = container(
  "restart",
  "Restart one or more containers",
  async () => (await import("./container/lifecycle.ts")).restart,
);
const run = container(
  "run",
  "Create and run a new container from an image",
  async () => (await import("./container/run.ts")).run,
  true,
);
const start = container(
  "start",
  "Start one or more stopped containers",
  async () => (await import("./container/start.ts")).start,
);
const stats = container(
  "stats",
  "Display a live stream of container(s) resource usage statistics",
  async () => (await import("./container/stats.ts")).stats,
);
const stop = container(
  "stop",
  "Stop one or more running containers",
  async () => (await import("./container/lifecycle.ts")).stop,
);
const top = container(
  "top",
  "Display the running processes of a container",
  async () => (await import("./container/top.ts")).top,
);
const unpause = container(
  "unpause",
  "Unpause all processes within one or more containers",
  async () => (await import("./container/lifecycle.ts")).unpause,
);
const update = container(
  "update",
  "Update configuration of one or more containers",
  async () => (await import("./container/update.ts")).update,
);
const wait = container(
  "wait",
  "Block until one or more containers stop, then print their exit codes",
  async () => (await import("./container/lifecycle.ts")).wait,
);

const psLoad = async (): Promise<Command> => (await import("./container/ps.ts")).ps;
const psSpellings = ["container ls", "container list", "container ps", "ps"];
const ps: Entry = {
  name: "ps",
  short: "List containers",
  spellings: psSpellings,
  common: true,
  load: psLoad,
};
const rm: Entry = {
  name: "rm",
  short: "Remove one or more containers",
  spellings: ["container rm", "container remove", "rm"],
  load: async () => (await import("./container/lifecycle.ts")).rm,
};

const containers: Entry = {
  name: "container",
  short: "Manage containers",
  children: [
    attach,
    commit,
    cp,
    create,
    diff,
    exec,
    exportContainer,
    {
      name: "inspect",
      short: "Display detailed information on one or more containers",
      load: async () => (await import("./inspect.ts")).inspectContainers,
    },
    kill,
    logs,
    { name: "ls", aliases: ["list", "ps"], short: "List containers", spellings: psSpellings, load: psLoad },
    pause,
    port,
    {
      name: "prune",
      short: "Remove all stopped containers",
      load: async () => (await import("./prune.ts")).pruneContainers,
    },
    {
      name: "publish",
      short: "Publish other ports of a container, while it runs or not",
      load: async () => (await import("./container/publish.ts")).publish,
    },
    rename,
    restart,
    { ...rm, aliases: ["remove"] },
    run,
    start,
    stats,
    stop,
    top,
    unpause,
    update,
    wait,
  ],
};

const history = image(
  "history",
  "Show the history of an image",
  async () => (await import("./image/history.ts")).history,
);
const importImage = image(
  "import",
  "Import the contents from a tarball to create a filesystem image",
  async () => (await import("./image/import.ts")).importImage,
);
const load = image(
  "load",
  "Load an image from a tar archive or STDIN",
  async () => (await import("./image/load.ts")).load,
);
const pull = image(
  "pull",
  "Download an image from a registry",
  async () => (await import("./image/pull.ts")).pull,
  true,
);
const push = image(
  "push",
  "Upload an image to a registry",
  async () => (await import("./image/push.ts")).push,
  true,
);
const save = image(
  "save",
  "Save one or more images to a tar archive (streamed to STDOUT by default)",
  async () => (await import("./image/save.ts")).save,
);
const tag = image(
  "tag",
  "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  async () => (await import("./image/tag.ts")).tag,
);
const imagesLoad = async (): Promise<Command> => (await import("./image/ls.ts")).images;
const imagesSpellings = ["image ls", "image list", "images"];
const rmiLoad = async (): Promise<Command> => (await import("./image/rm.ts")).rmi;
const rmiSpellings = ["image rm", "image remove", "rmi"];

const images: Entry = {
  name: "image",
  short: "Manage images",
  children: [
    history,
    importImage,
    {
      name: "inspect",
      short: "Display detailed information on one or more images",
      load: async () => (await import("./inspect.ts")).inspectImages,
    },
    load,
    { name: "ls", aliases: ["list"], short: "List images", spellings: imagesSpellings, load: imagesLoad },
    {
      name: "prune",
      short: "Remove unused images",
      load: async () => (await import("./prune.ts")).pruneImages,
    },
    pull,
    push,
    {
      name: "rm",
      aliases: ["remove"],
      short: "Remove one or more images",
      spellings: rmiSpellings,
      load: rmiLoad,
    },
    save,
    tag,
  ],
};

const events: Entry = {
  name: "events",
  short: "Get real time events from the server",
  spellings: ["system events", "events"],
  load: async () => (await import("./system/events.ts")).events,
};
const info: Entry = {
  name: "info",
  short: "Display system-wide information",
  spellings: ["system info", "info"],
  load: async () => (await import("./system/info.ts")).info,
};

const system: Entry = {
  name: "system",
  short: "Manage caisson",
  children: [
    {
      name: "df",
      short: "Show docker disk usage",
      load: async () => (await import("./system/df.ts")).df,
    },
    {
      name: "dial-stdio",
      short: "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
      hidden: true,
      load: async () => (await import("./system/dial-stdio.ts")).dialStdio,
    },
    events,
    { ...info },
    {
      name: "prune",
      short: "Remove unused data",
      load: async () => (await import("./system/prune.ts")).pruneSystem,
    },
  ],
};

/** Everything that can be typed after the program's name. */
export const commands: readonly Entry[] = [
  run,
  exec,
  ps,
  pull,
  push,
  { name: "images", short: "List images", spellings: imagesSpellings, common: true, load: imagesLoad },
  {
    name: "version",
    short: "Show the caisson version information",
    common: true,
    load: async () => (await import("./system/version.ts")).version,
  },
  { ...info, common: true },
  containers,
  contexts,
  images,
  networks,
  system,
  volumes,
  attach,
  commit,
  cp,
  create,
  {
    name: "daemon",
    short: "Run the engine",
    load: async () => (await import("./daemon.ts")).daemon,
  },
  diff,
  events,
  {
    name: "explain",
    short: "Show what a command would do, without doing it",
    load: async () => (await import("./explain.ts")).explain,
  },
  exportContainer,
  history,
  importImage,
  {
    name: "inspect",
    short: "Return low-level information on container engine objects",
    load: async () => (await import("./inspect.ts")).inspectAny,
  },
  kill,
  load,
  {
    name: "login",
    short: "Authenticate to a registry",
    common: true,
    load: async () => (await import("./registry/login.ts")).login,
  },
  {
    name: "logout",
    short: "Log out from a registry",
    common: true,
    load: async () => (await import("./registry/login.ts")).logout,
  },
  logs,
  pause,
  port,
  rename,
  restart,
  rm,
  {
    name: "rmi",
    short: "Remove one or more images",
    spellings: rmiSpellings,
    load: rmiLoad,
  },
  {
    name: "runtime",
    short: "Use caisson as an OCI runtime",
    hidden: true,
    load: async () => (await import("./runtime.ts")).runtime,
  },
  save,
  {
    name: "search",
    short: "Search Docker Hub for images",
    common: true,
    load: async () => (await import("./registry/search.ts")).search,
  },
  start,
  stats,
  stop,
  tag,
  top,
  unpause,
  update,
  wait,
];

/** Finds the entry that `words` begin with. @returns it, its names, and how many words they are */
export function findCommand(words: readonly string[]): {
  readonly entry: Entry | undefined;
  readonly names: readonly string[];
} {
  let children: readonly Entry[] | undefined = commands;
  let entry: Entry | undefined;
  const names: string[] = [];
  for (const word of words) {
    const next: Entry | undefined = children?.find(
      (e) => e.name === word || e.aliases?.includes(word) === true,
    );
    if (next === undefined) break;
    entry = next;
    names.push(next.name);
    children = next.children;
    if (children === undefined) break;
  }
  return { entry, names };
}
