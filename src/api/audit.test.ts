import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAudit } from "./audit.ts";
import { listLog } from "./fake-engine.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-audit-"));
  path = join(folder, "audit");
});
afterEach(() => rmSync(folder, { recursive: true }));

const peer = { pid: 1, uid: 2, gid: 3 };
const request = (asked: string, object = ""): Parameters<ReturnType<typeof openAudit>["begin"]>[0] => ({
  socket: "unix:///a",
  peer,
  method: "GET",
  path: asked,
  object: () => object,
});

function lines(file: string): Record<string, unknown>[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a line for each request at its end, for root alone", async () => {
  const audit = openAudit(path, listLog());
  const [first, second] = [audit.begin(request("/a", "web")), audit.begin(request("/b"))];
  second(0);
  first(404);
  await audit.close();
  expect(lines(path)).toEqual([
    {
      time: expect.any(String),
      socket: "unix:///a",
      peer,
      method: "GET",
      path: "/b",
      state: "done",
      status: 0,
      duration: expect.any(Number),
    },
    {
      time: expect.any(String),
      socket: "unix:///a",
      peer,
      method: "GET",
      path: "/a",
      object: "web",
      state: "done",
      status: 404,
      duration: expect.any(Number),
    },
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("what goes on is written down after a second", async () => {
  const audit = openAudit(path, listLog());
  const end = audit.begin(request("/attach"));
  await Bun.sleep(1100);
  end(101);
  await audit.close();
  expect(lines(path).map(({ state, status }) => [state, status])).toEqual([
    ["running", undefined],
    ["done", 101],
  ]);
});

test("a file that was moved away gets what came before, a new one what comes after; lines are added", async () => {
  const audit = openAudit(path, listLog());
  audit.begin(request("/1"))(200);
  renameSync(path, `${path}.1`);
  audit.reopen();
  audit.begin(request("/2"))(200);
  await audit.close();
  const again = openAudit(path, listLog());
  again.begin(request("/3"))(200);
  await again.close();
  expect(lines(`${path}.1`).map((line) => line["path"])).toEqual(["/1"]);
  expect(lines(path).map((line) => line["path"])).toEqual(["/2", "/3"]);
});

test("a log that can't be written is refused at the start, and told of later", () => {
  const nowhere = join(folder, "nosuch/audit");
  expect(() => openAudit(nowhere, listLog())).toThrow(`open the audit log ${nowhere}: `);
  const log = listLog();
  const audit = openAudit(path, log);
  rmSync(folder, { recursive: true });
  audit.reopen();
  expect(log.lines[0]).toStartWith("error reopen the audit log: ");
  folder = mkdtempSync(join(tmpdir(), "caisson-audit-"));
});
