import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Container, ContainerStore } from "./container-store.ts";
import { newState, type ContainerRecord } from "./container.ts";
import { StateDatabase } from "./database.ts";

let folder: string;
let database: StateDatabase;
let store: ContainerStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-store-"));
  database = new StateDatabase(join(folder, "db"));
  store = new ContainerStore(database);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const make = (id: string, name: string, idRange?: number): Container =>
  new Container({ id, idRange } as ContainerRecord, name, newState());

test("containers are found by id, name, /name and the beginning of an id", () => {
  const one = make(`abc${"0".repeat(61)}`, "one");
  store.add(one);
  store.add(make(`abd${"0".repeat(61)}`, "two"));
  for (const name of [one.id, "one", "/one", "abc"]) expect(store.find(name)).toBe(one);
  expect(() => store.find("ab")).toThrow("multiple IDs found with provided prefix: ab");
  expect(() => store.find("three")).toThrow("No such container: three");
});

test("a name belongs to one container; renaming and removing frees it", () => {
  store.add(make("a", "one"));
  expect(() => store.add(make("b", "one"))).toThrow(
    'Conflict. The container name "/one" is already in use by container "a"',
  );
  const a = store.find("a");
  store.rename(a, "other");
  store.add(make("b", "one"));
  store.delete(a);
  store.add(make("c", "other"));
  expect(store.all().map(({ id }) => id)).toEqual(["b", "c"]);
});

test("what fails inside of the transaction leaves nothing", () => {
  const fails = (): void =>
    store.add(make("a", "one"), () => {
      throw new TypeError("no");
    });
  expect(fails).toThrow("no");
  expect(store.all()).toEqual([]);
  expect(new ContainerStore(database).all()).toEqual([]);
});

test("state and name are there again after the database is read anew", () => {
  const one = make("a", "one", 7);
  store.add(one);
  one.state.status = "running";
  store.save(one);
  store.flush();
  store.rename(one, "two");
  const again = new ContainerStore(database).find("two");
  expect([again.running, again.record.idRange]).toEqual([true, 7]);
  expect(store.ranges()).toEqual(new Set([7]));
});
