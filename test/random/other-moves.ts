/**
 * What a client does with its volumes, networks and images, and with all that it has.
 * @module
 */
import type { Move } from "./container-moves.ts";
import type { Model } from "./model.ts";

const owned = (model: Model): string =>
  encodeURIComponent(JSON.stringify({ label: [`owner=${model.prefix}`] }));

export const makeVolume: Move = async ({ client, model }, a) => {
  const name = model.nameOf("volume", a);
  // One that a container brought has no label; the same name means the same volume.
  await client.call("POST", "/volumes/create", [201], { Name: name, Labels: { owner: model.prefix } });
  model.volumes.add(name);
};

export const inspectVolume: Move = async ({ client, model }, a) => {
  const name = model.nameOf("volume", a);
  await client.call("GET", `/volumes/${name}`, model.volumes.has(name) ? [200] : [404]);
};

export const removeVolume: Move = async ({ client, model }, a, b) => {
  const name = model.nameOf("volume", a);
  const force = b % 3 === 0;
  const users = model.usersOf(name);
  const there = model.volumes.has(name);
  const expected = !there ? (force ? 204 : 404) : users.length > 0 ? 409 : 204;
  const { text } = await client.call("DELETE", `/volumes/${name}?force=${force}`, [expected]);
  if (expected === 409 && !users.some(({ id }) => text.includes(id)))
    throw client.surprise("who uses the volume is not told; that is not");
  if (expected === 204) model.volumes.delete(name);
};

/** Each client's networks have addresses of their own. */
function subnetOf(model: Model, name: string): string {
  const client = Number(/\d+$/.exec(model.prefix)?.[0]);
  return `10.${client + 1}.${Number(name.at(-1))}.0/24`;
}

export const makeNetwork: Move = async ({ client, model }, a) => {
  const name = model.nameOf("network", a);
  const body = {
    Name: name,
    Labels: { owner: model.prefix },
    IPAM: { Config: [{ Subnet: subnetOf(model, name) }] },
  };
  const there = model.networks.has(name);
  const { text } = await client.call("POST", "/networks/create", there ? [409] : [201], body);
  if (!there) model.networks.set(name, (JSON.parse(text) as { Id: string }).Id);
};

export const inspectNetwork: Move = async ({ client, model }, a, b) => {
  const name = model.nameOf("network", a);
  const id = model.networks.get(name);
  const called = id === undefined || b % 2 === 0 ? name : id;
  const { text } = await client.call("GET", `/networks/${called}`, id === undefined ? [404] : [200]);
  if (id === undefined) return;
  const { Id, Containers } = JSON.parse(text) as { Id: string; Containers: Record<string, object> };
  const active = model.activeOn(name).map((container) => container.id);
  if (Id !== id || Object.keys(Containers).toSorted().join() !== active.toSorted().join())
    throw client.surprise(`${id} has ${active.join()}; that is not`);
};

export const removeNetwork: Move = async ({ client, model }, a) => {
  const name = model.nameOf("network", a);
  const there = model.networks.has(name);
  const busy = model.activeOn(name).length > 0;
  await client.call("DELETE", `/networks/${name}`, !there ? [404] : busy ? [403] : [204]);
  if (there && !busy) model.networks.delete(name);
};

/** A container whose network is its only one is taken off, and put back. */
export const reconnect: Move = async ({ client, model }, a) => {
  const container = model.byName(model.nameOf("container", a));
  if (container?.network === undefined || !model.networks.has(container.network)) {
    const body = { Container: model.nameOf("container", a) };
    await client.call("POST", `/networks/${model.prefix}-none/connect`, [404], body);
    return;
  }
  const body = { Container: container.id };
  const path = `/networks/${container.network}`;
  await client.call("POST", `${path}/connect`, [403], body);
  await client.call("POST", `${path}/disconnect`, [200], body);
  await client.call("POST", `${path}/disconnect`, [409], body);
  await client.call("POST", `${path}/connect`, [200], body);
};

export const tag: Move = async ({ client, model }, a, b) => {
  const from = b % 2 === 0 ? "busybox:latest" : model.tagOf(b >> 1);
  const to = model.tagOf(a);
  const [repository = "", version = ""] = to.split(":");
  const there = b % 2 === 0 || model.tags.has(from);
  const path = `/images/${from}/tag?repo=${repository}&tag=${version}`;
  await client.call("POST", path, there ? [201] : [404]);
  if (!there) return;
  const { text } = await client.call("GET", `/images/${to}/json`, [200]);
  const { Id } = JSON.parse(text) as { Id: string };
  const source = b % 2 === 0 ? Id : model.tags.get(from);
  if (source !== Id) throw client.surprise(`the image of ${from} is ${source}; that is not`);
  model.tags.set(to, Id);
};

export const inspectImage: Move = async ({ client, model }, a) => {
  const name = model.tagOf(a);
  const id = model.tags.get(name);
  const { text } = await client.call("GET", `/images/${name}/json`, id === undefined ? [404] : [200]);
  if (id !== undefined && (JSON.parse(text) as { Id: string }).Id !== id)
    throw client.surprise(`${name} is ${id}; that is not`);
};

export const history: Move = async ({ client, model }, a) => {
  const name = model.tagOf(a);
  await client.call("GET", `/images/${name}/history`, model.tags.has(name) ? [200] : [404]);
};

/** An image that a container has isn't removed with its last name. */
export const untag: Move = async ({ client, model }, a) => {
  const name = model.tagOf(a);
  const there = model.tags.has(name);
  const used = [...model.containers.values()].some(({ image }) => image !== "busybox");
  const { status } = await client.call(
    "DELETE",
    `/images/${name}`,
    there ? (used ? [200, 409] : [200]) : [404],
  );
  if (status === 200) model.tags.delete(name);
};

/** Everything that the client has, as lists tell it. */
export const list: Move = async ({ client, model }) => {
  const { text } = await client.call("GET", `/containers/json?all=1&filters=${owned(model)}`, [200]);
  const told = (JSON.parse(text) as { Id: string; Names: string[]; State: string }[]).map(
    ({ Id, Names: [name], State }) => `${Id} ${name} ${State}`,
  );
  const has = [...model.containers.values()].map(({ id, name, status }) => `${id} /${name} ${status}`);
  same(client.surprise.bind(client), told, has);
  const networks = await client.call("GET", `/networks?filters=${owned(model)}`, [200]);
  same(
    client.surprise.bind(client),
    (JSON.parse(networks.text) as { Name: string }[]).map(({ Name }) => Name),
    [...model.networks.keys()],
  );
  const name = encodeURIComponent(JSON.stringify({ name: [`${model.prefix}-v`] }));
  const volumes = await client.call("GET", `/volumes?filters=${name}`, [200]);
  same(
    client.surprise.bind(client),
    ((JSON.parse(volumes.text) as { Volumes: { Name: string }[] | null }).Volumes ?? [])
      .map(({ Name }) => Name)
      .filter((each) => !each.endsWith("-z")),
    [...model.volumes],
  );
  const reference = encodeURIComponent(JSON.stringify({ reference: [`${model.prefix}/image`] }));
  const images = await client.call("GET", `/images/json?filters=${reference}`, [200]);
  const tags = (JSON.parse(images.text) as { RepoTags: string[] | null }[]).flatMap(
    ({ RepoTags }) => RepoTags ?? [],
  );
  same(
    client.surprise.bind(client),
    tags.filter((each) => each.startsWith(`${model.prefix}/image:t`)),
    [...model.tags.keys()],
  );
};

function same(surprise: (what: string) => Error, told: readonly string[], has: readonly string[]): void {
  if (told.toSorted().join("\n") !== has.toSorted().join("\n"))
    throw surprise(`it has [${has.toSorted().join(", ")}]; [${told.toSorted().join(", ")}] is not`);
}

export const prune: Move = async ({ client, model }) => {
  const { text } = await client.call("POST", `/containers/prune?filters=${owned(model)}`, [200]);
  const { ContainersDeleted } = JSON.parse(text) as { ContainersDeleted: string[] | null };
  const over = [...model.containers.values()]
    .filter(({ status }) => status === "created" || status === "exited")
    .map(({ id }) => id);
  same(client.surprise.bind(client), ContainersDeleted ?? [], over);
  for (const id of over) model.containers.delete(id);
  await client.call("POST", `/networks/prune?filters=${owned(model)}`, [200]);
  for (const name of model.networks.keys())
    if (model.activeOn(name).length === 0) model.networks.delete(name);
};

/** Things that everybody asks. */
export const look: Move = async ({ client }, a) => {
  const paths = [
    "/_ping",
    "/version",
    "/info",
    "/system/df",
    "/events?since=1&until=2",
    "/images/json",
    "/networks",
  ];
  await client.call("GET", paths[a % paths.length] ?? "/_ping", [200]);
};
