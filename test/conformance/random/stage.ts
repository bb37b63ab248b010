/**
 * The objects that random requests mean: the same on both sides, and put right again after each that changed something.
 * @module
 */
import type { Hostile, Names } from "../../random/hostile.ts";
import { eventually } from "../../support/containers.ts";
import { importBusybox } from "../../support/image.ts";
import { ask, type Answer } from "../../support/engine.ts";

const sleeper = {
  Image: "busybox",
  Cmd: ["sleep", "100000"],
  StopSignal: "SIGKILL",
  HostConfig: { NetworkMode: "none" },
};

/** What the containers are to be. */
const wanted: Readonly<Record<string, string>> = {
  "own-run": "running",
  "own-made": "created",
  "own-done": "exited",
  "own-held": "paused",
};
const network = { Name: "own-net", IPAM: { Config: [{ Subnet: "10.254.254.0/24" }] } };

/** What there is, in words: two sides with the same objects say the same. */
export interface Inventory {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly images: readonly string[];
}

/** One side's objects. */
export class Stage {
  readonly #socket: string;
  #exec = "";
  /** Ids and what they are called. */
  readonly ids: Map<string, string> = new Map();

  constructor(socket: string) {
    this.#socket = socket;
  }

  async request(method: string, path: string, body?: object): Promise<Answer> {
    return ask(this.#socket, method, path, body);
  }

  /** Makes everything for the first time. */
  async build(): Promise<void> {
    const request = async (method: string, path: string, body?: Uint8Array | object): Promise<Answer> =>
      ask(this.#socket, method, path, body);
    await importBusybox({ request });
    await this.restore();
  }

  get names(): Names {
    return {
      container: Object.keys(wanted),
      exec: [this.#exec],
      image: ["own/image:v1"],
      network: ["own-net"],
      volume: ["own-volume"],
    };
  }

  async inventory(): Promise<Inventory> {
    const get = async <T>(path: string): Promise<T> => (await this.request("GET", path)).json<T>();
    const [containers, volumes, networks, images] = await Promise.all([
      get<{ Names: string[]; State: string; Labels: object }[]>("/containers/json?all=1"),
      get<{ Volumes: { Name: string }[] | null }>("/volumes"),
      get<{ Name: string }[]>("/networks"),
      get<{ RepoTags: string[] | null }[]>("/images/json"),
    ]);
    const sorted = (list: string[]): string[] => list.toSorted();
    // Names that the daemon makes up are random.
    const name = (text: string): string => (/^\/?[A-Za-z]+_[a-z]+\d?$/.test(text) ? "made up" : text);
    return {
      containers: sorted(containers.map((each) => `${name(each.Names[0] ?? "")} ${each.State}`)),
      volumes: sorted(
        (volumes.Volumes ?? []).map((each) => (/^[0-9a-f]{64}$/.test(each.Name) ? "made up" : each.Name)),
      ),
      networks: sorted(networks.map((each) => each.Name)),
      images: sorted(images.flatMap((each) => each.RepoTags ?? [])),
    };
  }

  /** Puts everything right after a request; what it may have changed that can't be seen is made anew. */
  async restore(after?: Hostile): Promise<void> {
    const container = after === undefined ? undefined : this.#touched(after);
    const all = (await this.request("GET", "/containers/json?all=1")).json<
      { Id: string; Names: string[]; State: string }[]
    >();
    const right = new Set<string>();
    for (const {
      Id,
      Names: [name = ""],
      State,
    } of all) {
      const bare = name.slice(1);
      if (wanted[bare] === State && bare !== container) right.add(bare);
      else await this.request("DELETE", `/containers/${Id}?force=1&v=1`);
    }
    const networks = (await this.request("GET", "/networks")).json<{ Id: string; Name: string }[]>();
    for (const { Id, Name } of networks)
      if (!["bridge", "host", "none", "own-net"].includes(Name))
        await this.request("DELETE", `/networks/${Id}`);
    if (!networks.some(({ Name }) => Name === "own-net"))
      this.ids.set(
        (await this.#must("POST", "/networks/create", network)).json<{ Id: string }>().Id,
        "own-net",
      );
    const { Volumes } = (await this.request("GET", "/volumes")).json<{
      Volumes: { Name: string }[] | null;
    }>();
    for (const { Name } of Volumes ?? [])
      if (Name !== "own-volume") await this.request("DELETE", `/volumes/${encodeURIComponent(Name)}?force=1`);
    await this.#must("POST", "/volumes/create", { Name: "own-volume" });
    const images = (await this.request("GET", "/images/json")).json<
      { Id: string; RepoTags: string[] | null }[]
    >();
    for (const { Id, RepoTags } of images) {
      const kept = (RepoTags ?? []).filter((tag) => ["busybox:latest", "own/image:v1"].includes(tag));
      for (const tag of RepoTags ?? [])
        if (!kept.includes(tag)) await this.request("DELETE", `/images/${tag}`);
      if (kept.length === 0) await this.request("DELETE", `/images/${Id}?force=1`);
    }
    await this.#must("POST", "/images/busybox:latest/tag?repo=own/image&tag=v1");
    for (const [name, state] of Object.entries(wanted)) {
      if (right.has(name)) continue;
      await this.#container(name, state);
    }
  }

  #touched({ endpoint: { path, method }, pick }: Hostile): string | undefined {
    if (path.includes("{exec}")) return "own-run";
    const harmless = method === "GET" || method === "HEAD" || path === "/commit";
    const named = path.includes("{container}") || path.endsWith("connect");
    return named && !harmless ? Object.keys(wanted)[pick % Object.keys(wanted).length] : undefined;
  }

  async #container(name: string, state: string): Promise<void> {
    const body = state === "exited" ? { ...sleeper, Cmd: ["false"] } : sleeper;
    const mounts =
      name === "own-made" ? { HostConfig: { NetworkMode: "none", Binds: ["own-volume:/v"] } } : {};
    const made = await this.#must("POST", `/containers/create?name=${name}`, { ...body, ...mounts });
    this.ids.set(made.json<{ Id: string }>().Id, name);
    if (state === "created") return;
    await this.#must("POST", `/containers/${name}/start`);
    if (state === "exited") await this.#must("POST", `/containers/${name}/wait`);
    // dockerd's runtime may not get all processes at once on a busy machine.
    if (state === "paused")
      await eventually(`${name} is paused`, async () => {
        const { status } = await this.request("POST", `/containers/${name}/pause`);
        return status === 204 || undefined;
      });
    if (state !== "running") return;
    const exec = await this.#must("POST", `/containers/${name}/exec`, { Cmd: ["true"] });
    this.#exec = exec.json<{ Id: string }>().Id;
    this.ids.set(this.#exec, "exec");
  }

  async #must(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await this.request(method, path, body);
    if (answer.status >= 400)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString()}`);
    return answer;
  }
}
