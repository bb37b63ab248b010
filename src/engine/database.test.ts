import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StateDatabase } from "./database.ts";

function withDatabase(body: (path: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "caisson-db-"));
  try {
    body(join(directory, "state.db"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const row = { id: "a", name: "one", id_range: 0, config: "{}", state: "{}" };

test("what was written is there after the file is opened again", () => {
  withDatabase((path) => {
    const first = new StateDatabase(path);
    first.insertContainer(row);
    first.setContainerStates([["a", '{"status":"running"}']]);
    first.insertVolume("v", "{}");
    first.setSetting("id", "x");
    first.close();
    const second = new StateDatabase(path);
    expect(second.containers()).toEqual([{ ...row, state: '{"status":"running"}' }]);
    expect(second.volumes()).toEqual([{ name: "v", data: "{}" }]);
    expect(second.setting("id")).toBe("x");
    expect(second.whole()).toBe(true);
    second.close();
  });
});

test("a name, an id and an id range belong to one container", () => {
  withDatabase((path) => {
    const database = new StateDatabase(path);
    database.insertContainer(row);
    expect(() => database.insertContainer({ ...row, id: "b", id_range: 1 })).toThrow("UNIQUE");
    expect(() => database.insertContainer({ ...row, id: "b", name: "two" })).toThrow("UNIQUE");
    database.insertContainer({ ...row, id: "b", name: "two", id_range: null });
    database.insertContainer({ ...row, id: "c", name: "three", id_range: null });
    expect(database.containers().length).toBe(3);
    database.close();
  });
});

test("a transaction that throws leaves nothing", () => {
  withDatabase((path) => {
    const database = new StateDatabase(path);
    const fails = (): void =>
      database.transaction(() => {
        database.insertContainer(row);
        database.insertVolume("v", "{}");
        database.insertVolume("v", "{}");
      });
    expect(fails).toThrow();
    expect(database.containers()).toEqual([]);
    expect(database.volumes()).toEqual([]);
    database.close();
  });
});

test("a write within a transaction is part of it, and what SQLite itself refuses stays SQLite's", () => {
  withDatabase((path) => {
    const database = new StateDatabase(path);
    const fails = (): void =>
      database.transaction(() => {
        database.insertVolume("v", "{}");
        database.deleteVolume("w");
        throw new TypeError("no");
      });
    expect(fails).toThrow("no");
    expect(database.volumes()).toEqual([]);
    database.insertVolume("v", "{}");
    expect(() => database.insertVolume("v", "{}")).toThrow("UNIQUE");
    database.close();
  });
});

test("a while after its first change it has room in reserve, which outlives it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "caisson-db-"));
  try {
    const path = join(directory, "state.db");
    const first = new StateDatabase(path);
    first.insertVolume("v", "{}");
    while (statSync(path).size < 1 << 20) await Bun.sleep(20);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(1 << 20);
    first.close();
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(1 << 20);
    const second = new StateDatabase(path);
    expect(second.volumes()).toEqual([{ name: "v", data: "{}" }]);
    expect(second.whole()).toBe(true);
    second.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 60_000);
