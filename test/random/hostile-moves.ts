/**
 * Requests with something wrong in them, on the objects that a client has: what is refused changes nothing.
 * @module
 */
import { adopt, type Player } from "./container-moves.ts";
import { shown, wireOf, type Hostile, type Names } from "./hostile.ts";
import { list } from "./other-moves.ts";

function namesOf({ model }: Player, execs: readonly string[]): Names {
  const or = (some: readonly string[], none: string): readonly string[] => (some.length > 0 ? some : [none]);
  return {
    container: or(
      [...model.containers.values()].map(({ name }) => name),
      model.nameOf("container", 0),
    ),
    exec: or(execs, "0".repeat(64)),
    image: or([...model.tags.keys()], model.tagOf(0)),
    network: or([...model.networks.keys()], model.nameOf("network", 0)),
    volume: or([...model.volumes], model.nameOf("volume", 0)),
  };
}

/** Sends one and looks what has become of the client's objects. */
export async function attack(player: Player, hostile: Hostile): Promise<void> {
  const { client, model } = player;
  const names = namesOf(player, []);
  const answer = await client.wire(wireOf(hostile, names), shown(hostile, names));
  const wellFormed = hostile.cut === undefined && !/^(head|path|method|json)/.test(hostile.mutation);
  if (answer.status === 0 && wellFormed) throw client.surprise("there is no answer; that is not");
  if (hostile.method === "GET" || hostile.method === "HEAD") return;
  if (answer.status >= 400 || answer.status === 0) return list(player, 0, 0);
  // It was taken, for what it says may be right: what came of it is removed or taken over.
  const { Id } = readAnswer(answer.body);
  if (hostile.endpoint.path === "/containers/create" && hostile.method === "POST" && Id !== undefined)
    await client.call("DELETE", `/containers/${Id}?force=1&v=1`, [204]);
  const id = meant(player, hostile, names);
  if (id !== undefined) {
    await client.call("DELETE", `/containers/${id}?force=1`, [204, 404, 409]);
    await client.call("POST", `/containers/${id}/wait?condition=removed`, [200, 404]);
    model.containers.delete(id);
  }
  await takeOver(player);
}

function readAnswer(body: Buffer): { readonly Id?: string } {
  try {
    return (JSON.parse(body.toString("utf8")) as { Id?: string } | null) ?? {};
  } catch {
    return {};
  }
}

/** The container that it was done to. */
function meant({ model }: Player, { path, body, pick }: Hostile, { container }: Names): string | undefined {
  if (!`${path}${body}`.includes("{container}")) return undefined;
  return model.byName(container[pick % container.length] ?? "")?.id;
}

/** Brings the model to what the engine says. */
async function takeOver(player: Player): Promise<void> {
  const { client, model } = player;
  for (const id of model.containers.keys()) await adopt(player, id);
  for (const pick of [0, 1, 2]) {
    const volume = model.nameOf("volume", pick);
    const { status } = await client.call("GET", `/volumes/${volume}`, [200, 404]);
    if (status === 200) model.volumes.add(volume);
    else model.volumes.delete(volume);
    const name = model.nameOf("network", pick);
    const network = await client.call("GET", `/networks/${name}`, [200, 404]);
    if (network.status === 404) model.networks.delete(name);
    const tag = model.tagOf(pick);
    const image = await client.call("GET", `/images/${tag}/json`, [200, 404]);
    if (image.status === 404) model.tags.delete(tag);
    // What was imported under the name has no programs.
    else if ((JSON.parse(image.text) as { Id: string }).Id !== model.tags.get(tag)) {
      await client.call("DELETE", `/images/${tag}`, [200]);
      model.tags.delete(tag);
    }
  }
}
