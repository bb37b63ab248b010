import { expect, test } from "bun:test";
import { withAddress } from "./mounted-volumes.ts";

const find = async (name: string): Promise<string> => {
  if (name === "server") return "192.0.2.7";
  throw new Error(`no address of ${name}`);
};
const nfs = (...options: string[]): { type: string; device: string; options: string[] } => ({
  type: "nfs",
  device: ":/export",
  options,
});

test("a file server's name is looked up", async () => {
  expect((await withAddress(nfs("rw", "addr=server", "vers=4"), find)).options).toEqual([
    "rw",
    "addr=192.0.2.7",
    "vers=4",
  ]);
  expect(await withAddress(nfs("addr=192.0.2.1"), find)).toEqual(nfs("addr=192.0.2.1"));
  expect(withAddress(nfs("addr=nobody"), find)).rejects.toThrow(
    "error resolving passed in network volume address: no address of nobody",
  );
});

test("in a CIFS device too", async () => {
  const cifs = { type: "cifs", device: "//server/share", options: ["username=a"] };
  expect(await withAddress(cifs, find)).toEqual({
    type: "cifs",
    device: "//192.0.2.7/share",
    options: ["username=a", "ip=192.0.2.7"],
  });
});

test("others are left as they are", async () => {
  const tmpfs = { type: "tmpfs", device: "tmpfs", options: ["addr=server"] };
  expect(await withAddress(tmpfs, find)).toBe(tmpfs);
});
