/**
 * A mount's target that another container exchanges for a link while the runtime sets up mounts (CVE-2021-30465,
 * CVE-2024-45310): it lands inside the container's own root, whatever it finds there, or the start fails and says so.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../support/api.ts";
import { eventually, inspect, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { callNumber, loadScripts } from "../support/scripts.ts";

let engine: TestEngine;
let api: ApiClient;
let outside: string;
beforeAll(async () => {
  engine = await TestEngine.start();
  api = new ApiClient(engine);
  outside = mkdtempSync(join(tmpdir(), "caisson-outside."));
  writeFileSync(join(outside, "canary"), "unharmed");
  await importBusybox(engine);
  await loadScripts(engine, "attacker", { swap: "security/swap.pl" });
});
afterEach(async () => {
  await removeAll(engine);
  must(engine, ["volume", "rm", "raced"]);
});
afterAll(async () => {
  api[Symbol.dispose]();
  await engine[Symbol.asyncDispose]();
  rmSync(outside, { recursive: true, force: true });
});

/** What the host has of the place that the link leads to, and its mounts as far as they are this test's. */
function hostState(): object {
  const { mtimeMs, ctimeMs, nlink } = statSync(outside);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return {
    entries: readdirSync(outside),
    content: readFileSync(join(outside, "canary"), "utf8"),
    folder: [mtimeMs, ctimeMs, nlink],
    mounts: mounts.filter((line) => [outside, engine.directory].some((folder) => line.includes(folder))),
  };
}

interface Kind {
  readonly name: string;
  /** What of a container's HostConfig mounts something at `target`, and the file that shows that it did. */
  mount(target: string): object;
}

const kinds: readonly Kind[] = [
  { name: "a tmpfs", mount: (target) => ({ Tmpfs: { [target]: "" } }) },
  { name: "a bind of a directory", mount: (target) => ({ Binds: [`${bound()}:${target}`] }) },
  { name: "a bind of a file", mount: (target) => ({ Binds: [`${join(bound(), "token")}:${target}`] }) },
  { name: "a volume", mount: (target) => ({ Binds: [`other:${target}`] }) },
];

function bound(): string {
  const folder = join(engine.directory, "bound");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "token"), "token");
  return folder;
}

// The second needs `..`, of which the kernel can't always say that it stayed below the root while names are exchanged.
test.each([
  ["/", 76],
  ["../../../../..", 20],
])(
  "a directory below a volume that is exchanged for a link to %s while %d containers of each kind mount below it",
  async (leadsTo, rounds) => {
    const attacker = start(engine, ["-v", "raced:/v"], ["sleep", "1000"]);
    must(engine, ["exec", attacker, "sh", "-c", `mkdir /v/dir; ln -s ${leadsTo} /v/link`]);
    const attack = [
      "-v",
      "raced:/v",
      "attacker",
      "swap",
      String(callNumber("renameat2")),
      "/v/dir",
      "/v/link",
    ];
    const spinner = must(engine, ["run", "-d", "--net=none", ...attack]);
    await eventually(
      "an attacker at work",
      () => must(engine, ["logs", spinner]).includes("swapping") || undefined,
    );
    const before = hostState();
    const seen = { directory: 0, link: 0, refused: 0 };
    const unexpected: string[] = [];
    const one = async (kind: Kind): Promise<void> => {
      // The same path below the volume's directory and, through the link, below a root: if that were the host's, it
      // would be the canary's.
      const target = `/v/dir${outside}/${kind.name.replaceAll(" ", "-")}`;
      const mounts = kind.mount(target) as { Binds?: string[] };
      const script = `cat /proc/self/mountinfo; find /tmp /v/dir /v/link -xdev -name canary; cat /tmp/*/canary`;
      const { code, refused, output } = await api.run({
        Image: "busybox",
        Cmd: ["sh", "-c", `${script} 2>/dev/null; true`],
        HostConfig: {
          ...mounts,
          NetworkMode: "none",
          Binds: ["raced:/v", ...(mounts.Binds ?? [])],
        },
      });
      if (refused !== undefined) {
        seen.refused++;
        if (!isOfTheSwap(refused)) unexpected.push(refused);
        return;
      }
      const points = output
        .split("\n")
        .flatMap((line) => /^\d+ \d+ \d+:\d+ \S+ (\S+) /.exec(line)?.[1] ?? []);
      const mine = points.filter((point) => point.includes(outside));
      if (code !== 0 || mine.length !== 1 || /canary$|unharmed/m.test(output)) unexpected.push(output);
      else if (/^\/v\/(dir|link)\//.test(mine[0] ?? "")) seen.directory++;
      else if (mine[0]?.startsWith(`${outside}/`) === true) seen.link++;
      else unexpected.push(output);
    };
    const queue = Array.from({ length: rounds * kinds.length }, (_, n) => n % kinds.length);
    const worker = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const kind = kinds[next];
        if (kind !== undefined) await one(kind);
      }
    };
    await Promise.all([worker(), worker()]);
    console.log(`exchanged for a link to ${leadsTo}: ${JSON.stringify(seen)}`);
    expect(unexpected).toEqual([]);
    expect(seen.directory + seen.link + seen.refused).toBe(rounds * kinds.length);
    // Without both the race was none.
    expect(seen.directory).toBeGreaterThan(rounds / 10);
    expect(seen.link).toBeGreaterThan(rounds / 10);
    expect(hostState()).toEqual(before);
    expect((await inspect(engine, spinner)).State.Running).toBe(true);
  },
);

/**
 * A start may fail only because what it had just made is not where it looks next: the directory's path is made in one of
 * both places and opened in the other.
 */
function isOfTheSwap(message: string): boolean {
  return /: (open|make) \/v\/dir\/\S+: openat2\(.*\) = <\w+>: ENOENT \(.*\) \[step \d+\]$/.test(message);
}
