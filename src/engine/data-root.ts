/**
 * Whose a data root is: a folder of Docker's is never written into.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";

/** What dockerd makes at its first start, in any of its versions since 1.10, and this engine never does. */
const dockers = ["engine-id", "network/files/local-kv.db", "image", "volumes/metadata.db"];

/** Refuses a data root that a dockerd has. @throws conflict */
export function refuseDockersData(dataRoot: string): void {
  if (existsSync(join(dataRoot, "caisson.db"))) return;
  const found = dockers.find((name) => existsSync(join(dataRoot, name)));
  if (found === undefined) return;
  const message = `the data root ${dataRoot} is Docker's (it has ${found}) and stays as it is: choose another one by --data-root. Images move by docker save and caisson load`;
  throw failure("conflict", { message });
}
