/**
 * Commands of docker's that this version lacks: each says so, instead of being unknown.
 * @module
 */
import { failure } from "../errors/mod.ts";

const building = "building images";
const swarm = "swarm mode";

/** What is missing, by a command's words as docker spells them. A group's name stands for all of its commands. */
export const absentCommands: ReadonlyMap<string, string> = new Map([
  ["bake", building],
  ["build", building],
  ["builder", building],
  ["buildx", building],
  ["image build", building],
  ["checkpoint", "a checkpoint of a container"],
  ["compose", "being a host of command line plugins (docker compose works with DOCKER_HOST)"],
  ["manifest", "editing manifest lists"],
  ["plugin", "managing plugins"],
  ["trust", "Notary"],
  ...["config", "node", "secret", "service", "stack", "swarm"].map((name) => [name, swarm] as const),
  ["volume update", "changing a swarm's volumes"],
]);

/** Throws what is to be said of a command that is docker's and missing; returns if it is nobody's. */
export function refuseAbsent(words: readonly string[]): void {
  const what = absentCommands.get(words[0] ?? "") ?? absentCommands.get(words.slice(0, 2).join(" "));
  if (what !== undefined) throw failure("not-implemented", { what });
}
