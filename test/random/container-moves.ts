/**
 * What a client does with its containers, and what must be answered in each of their states.
 * @module
 */
import { tarOf } from "../support/archive.ts";
import type { Client } from "./client.ts";
import type { Model, ModelContainer, Program } from "./model.ts";

/** One who plays: what it sends by, and what it must have. */
export interface Player {
  readonly client: Client;
  readonly model: Model;
}

/** A move; two numbers say with what. */
export type Move = (player: Player, a: number, b: number) => Promise<void>;

const label = (model: Model): Record<string, string> => ({ owner: model.prefix });

function commandOf(program: Program): readonly string[] {
  return program.stays ? ["sleep", "100000"] : ["sh", "-c", `echo said; exit ${program.code}`];
}

/** A container under one of the client's names, of the kind that `b` says. */
export const create: Move = async ({ client, model }, a, b) => {
  const name = model.nameOf("container", a);
  const program: Program = b % 3 === 0 ? { stays: false, code: b % 4 } : { stays: true };
  const volume = b % 5 === 0 ? model.nameOf("volume", b >> 2) : undefined;
  const wanted = model.nameOf("network", b >> 1);
  const network = b % 4 === 1 && model.networks.has(wanted) ? wanted : undefined;
  const autoRemove = b % 7 === 0;
  const image = b % 11 === 3 ? model.tagOf(b >> 3) : "busybox";
  const body = {
    Image: image,
    Cmd: commandOf(program),
    Labels: label(model),
    StopSignal: "SIGKILL",
    HostConfig: {
      NetworkMode: network ?? "none",
      AutoRemove: autoRemove,
      ...(volume === undefined ? {} : { Binds: [`${volume}:/volume`] }),
    },
  };
  const holder = model.byName(name);
  const known = image === "busybox" || model.tags.has(image);
  const expected = !known ? 404 : holder !== undefined ? 409 : 201;
  const path = `/containers/create?name=${name}`;
  const { text } = await client.call(
    "POST",
    path,
    known || holder === undefined ? [expected] : [404, 409],
    body,
  );
  if (expected === 409 && holder !== undefined && !text.includes(holder.id))
    throw client.surprise(`the name is ${holder.id}'s; it is not told`);
  if (expected !== 201) return;
  const { Id: id } = JSON.parse(text) as { Id: string };
  if (volume !== undefined) model.volumes.add(volume);
  const files = new Map<string, string>();
  const fresh = { status: "created", exitCode: 0, starts: 0, files } as const;
  model.containers.set(id, { ...fresh, id, name, program, autoRemove, volume, network, image });
};

/** The container that `a` means, and how the client calls it: by name, id, or the beginning of the id. */
function target(model: Model, a: number): { container: ModelContainer | undefined; called: string } {
  const name = model.nameOf("container", a);
  const container = model.byName(name);
  const calls =
    container === undefined ? [name] : [name, container.id, container.id.slice(0, 12), `/${name}`];
  return { container, called: encodeURIComponent(calls[(a >> 2) % calls.length] ?? name) };
}

/** A move on one container: `act` if there is one, else 404 for `method` and `rest`. */
function on(
  method: string,
  rest: string,
  act: (player: Player, container: ModelContainer, path: string, b: number) => Promise<void>,
): Move {
  return async (player, a, b) => {
    const { container, called } = target(player.model, a);
    const path = `/containers/${called}${rest}`;
    if (container === undefined)
      await player.client.call(method, path, [404], rest === "/exec" ? { Cmd: ["true"] } : undefined);
    else await act(player, container, path, b);
  };
}

const up = (container: ModelContainer): boolean =>
  container.status === "running" || container.status === "paused";

function ended({ model }: Player, container: ModelContainer, exitCode: number): void {
  if (container.autoRemove) model.containers.delete(container.id);
  else Object.assign(container, { status: "exited", exitCode });
}

/** Waits until a short one has ended and, if it is to, gone. */
async function settle(player: Player, container: ModelContainer): Promise<void> {
  if (container.program.stays) return;
  const { client, model } = player;
  await client.call("POST", `/containers/${container.id}/wait`, container.autoRemove ? [200, 404] : [200]);
  ended(player, container, container.program.code);
  if (!model.containers.has(container.id)) await gone(client, container.id);
}

/** Waits for the end of a removal that is under way. */
async function gone(client: Client, id: string): Promise<void> {
  await client.call("POST", `/containers/${id}/wait?condition=removed`, [200, 404]);
}

/** One whose network is gone can't be started; it has what state it had, or the error's. */
const startable = (model: Model, container: ModelContainer): boolean =>
  container.network === undefined || model.networks.has(container.network);

/** It runs from the beginning, unless its network is gone. */
async function begin(player: Player, container: ModelContainer, path: string): Promise<void> {
  const { client, model } = player;
  if (!startable(model, container)) {
    await client.call("POST", path, [404]);
    return adopt(player, container.id);
  }
  await client.call("POST", path, [204]);
  container.starts++;
  container.status = "running";
  await settle(player, container);
}

export const start: Move = on("POST", "/start", async (player, container, path) => {
  const { client } = player;
  if (container.status === "running") return void (await client.call("POST", path, [304]));
  if (container.status === "paused") return void (await client.call("POST", path, [409]));
  await begin(player, container, path);
});

export const restart: Move = on("POST", "/restart?t=0", begin);

export const stop: Move = on("POST", "/stop?t=0", async (player, container, path) => {
  const { client } = player;
  await client.call("POST", path, up(container) ? [204] : [304]);
  if (!up(container)) return;
  ended(player, container, 137);
  if (container.autoRemove) await gone(client, container.id);
});

export const kill: Move = on("POST", "/kill", async (player, container, path) => {
  const { client } = player;
  await client.call("POST", path, up(container) ? [204] : [409]);
  if (!up(container)) return;
  await client.call("POST", `/containers/${container.id}/wait`, container.autoRemove ? [200, 404] : [200]);
  ended(player, container, 137);
  if (container.autoRemove) await gone(client, container.id);
});

export const pause: Move = on("POST", "/pause", async ({ client }, container, path) => {
  await client.call("POST", path, container.status === "running" ? [204] : [409]);
  if (container.status === "running") container.status = "paused";
});

export const unpause: Move = on("POST", "/unpause", async ({ client }, container, path) => {
  await client.call("POST", path, container.status === "paused" ? [204] : [409]);
  if (container.status === "paused") container.status = "running";
});

export const rename: Move = async ({ client, model }, a, b) => {
  const { container, called } = target(model, a);
  const name = model.nameOf("container", b);
  const holder = model.byName(name);
  const path = `/containers/${called}/rename?name=${name}`;
  if (container === undefined) return void (await client.call("POST", path, [404]));
  if (holder === container) return void (await client.call("POST", path, [400]));
  await client.call("POST", path, holder === undefined ? [204] : [409]);
  if (holder === undefined) container.name = name;
};

export const remove: Move = async ({ client, model }, a, b) => {
  const { container, called } = target(model, a);
  const force = b % 2 === 0;
  const path = `/containers/${called}?force=${force}`;
  if (container === undefined) return void (await client.call("DELETE", path, [404]));
  await client.call("DELETE", path, up(container) && !force ? [409] : [204]);
  if (!up(container) || force) model.containers.delete(container.id);
};

export const inspect: Move = on("GET", "/json", async ({ client }, container, path) => {
  const { text } = await client.call("GET", path, [200]);
  const { Id, Name, State } = JSON.parse(text) as Inspection;
  const is = `${Id} ${Name} ${State.Status} ${State.ExitCode}`;
  const should = `${container.id} /${container.name} ${container.status} ${container.exitCode}`;
  // The code of the last run is told until the next one ends.
  if (up(container) ? !is.startsWith(should.replace(/ \d+$/, "")) : is !== should)
    throw client.surprise(`${should} is ${is}; that is not`);
});

interface Inspection {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: ModelContainer["status"]; readonly ExitCode: number };
}

export const logs: Move = on("GET", "/logs?stdout=1", async ({ client }, container, path) => {
  const { text } = await client.call("GET", path, [200]);
  const said = text.match(/said/g)?.length ?? 0;
  if (!container.program.stays && said !== container.starts)
    throw client.surprise(`it was started ${container.starts} times and said ${said} lines; that is not`);
});

export const top: Move = on("GET", "/top", async ({ client }, container, path) => {
  const { text } = await client.call("GET", path, up(container) ? [200] : [409]);
  if (up(container) && !text.includes("sleep 100000"))
    throw client.surprise("its process is missing; that is not");
});

export const exec: Move = on("POST", "/exec", async ({ client }, container, path, b) => {
  const code = b % 5;
  const body = { Cmd: ["sh", "-c", `exit ${code}`] };
  const { text } = await client.call("POST", path, container.status === "running" ? [201] : [409], body);
  if (container.status !== "running") return;
  const { Id } = JSON.parse(text) as { Id: string };
  await client.call("POST", `/exec/${Id}/start`, [200], { Detach: true });
  for (;;) {
    const { text: now } = await client.call("GET", `/exec/${Id}/json`, [200]);
    const { Running, ExitCode } = JSON.parse(now) as { Running: boolean; ExitCode: number | null };
    if (Running) continue;
    if (ExitCode !== code) throw client.surprise(`it exits with ${code}; ${ExitCode} is not`);
    break;
  }
  await client.call("POST", `/exec/${Id}/start`, [409], { Detach: true });
});

export const put: Move = on("PUT", "/archive?path=/root", async ({ client }, container, path, b) => {
  const name = `f${b % 3}`;
  const body = Buffer.from(`text ${b}`);
  const archive = await tarOf([{ type: "file", path: name, mode: 0o644, size: body.length, body }]);
  await client.call("PUT", path, [200], archive);
  container.files.set(name, body.toString());
});

export const get: Move = on("GET", "/archive?path=/root", async ({ client }, container, path, b) => {
  const name = `f${b % 3}`;
  const text = container.files.get(name);
  const { text: archive } = await client.call("GET", `${path}/${name}`, text === undefined ? [404] : [200]);
  if (text !== undefined && !archive.includes(text))
    throw client.surprise(`${name} has ${text}; that is not`);
});

export const commit: Move = async ({ client, model }, a, b) => {
  const { container, called } = target(model, a);
  const tag = model.tagOf(b);
  const [repository = "", version = ""] = tag.split(":");
  const path = `/commit?container=${called}&repo=${repository}&tag=${version}&pause=0`;
  const whole = container === undefined || container.image === "busybox";
  if (!whole) return;
  const { text } = await client.call("POST", path, container === undefined ? [404] : [201]);
  if (container !== undefined) model.tags.set(tag, (JSON.parse(text) as { Id: string }).Id);
};

/** Two things at once with one container: each may be refused, what comes of it must be one or the other. */
export const race: Move = async (player, a, b) => {
  const { container, called } = target(player.model, a);
  const all = ["start", "stop?t=0", "restart?t=0", "kill", "pause", "unpause", "wait?condition=next-exit"];
  const [one = "", two = ""] = [all[b % 6], all[(b >> 3) % 6]];
  const path = `/containers/${called}`;
  const removal = b % 8 === 0 ? [player.client.ask("DELETE", `${path}?force=1`)] : [];
  const asked = [one, two].map(async (what) => player.client.ask("POST", `${path}/${what}`));
  const [first] = await Promise.all([...asked, ...removal]);
  if (container === undefined) {
    if (first?.status !== 404) throw player.client.surprise("there is none; that is not");
    return;
  }
  // A short one may still be on its way.
  const { status } = await player.client.call("DELETE", `${path}?force=1`, [204, 404, 409]);
  if (status === 409) await gone(player.client, container.id);
  await adopt(player, container.id);
};

/** Takes over what a container has become. */
export async function adopt({ client, model }: Player, id: string): Promise<void> {
  const container = model.containers.get(id);
  if (container === undefined) return;
  const { status, text } = await client.call("GET", `/containers/${id}/json`, [200, 404]);
  if (status === 404) return void model.containers.delete(id);
  const { Name, State } = JSON.parse(text) as Inspection;
  Object.assign(container, { name: Name.slice(1), status: State.Status, exitCode: State.ExitCode });
}
