import { expect, test } from "bun:test";
import { socketsOf } from "./daemon-sockets.ts";

const sockets = (...list: readonly object[]): ReturnType<typeof socketsOf> => socketsOf(JSON.stringify(list));

test("a place, a group, a policy", () => {
  expect(socketsOf(undefined)).toEqual([]);
  expect(socketsOf("")).toEqual([]);
  expect(
    sockets({ host: "unix:///a" }, { host: "unix:///b", group: "dev", policy: { "read-only": true } }),
  ).toEqual([
    { host: "unix:///a" },
    { host: "unix:///b", group: "dev", policy: { readOnly: true, noPrivileged: false, noHostMounts: false } },
  ]);
});

test("who is bound to a label can't be root on the host, unless that is said", () => {
  const policy = (policy: object): unknown => sockets({ host: "unix:///a", policy })[0]?.policy;
  expect(policy({ label: "team=a" })).toEqual({
    readOnly: false,
    noPrivileged: true,
    noHostMounts: true,
    label: "team=a",
  });
  expect(policy({ label: "team=", "no-privileged": false })).toMatchObject({
    noPrivileged: false,
    noHostMounts: true,
  });
});

test.each([
  [{}, "sockets must be a list of objects"],
  [["x"], "sockets[0] must be an object"],
  [[{}], 'sockets[0] needs a "host"'],
  [[{ host: "" }], "sockets[0].host must be a text"],
  [[{ host: "a" }, { host: "b", gruop: "x" }], 'sockets[1] has no "gruop": it may have host, group, policy'],
  [[{ host: "a", policy: [] }], "sockets[0].policy must be an object"],
  [[{ host: "a", policy: { "read-only": 1 } }], "sockets[0].policy.read-only must be true or false"],
  [[{ host: "a", policy: { label: "team" } }], "sockets[0].policy.label must be key=value"],
  [[{ host: "a", policy: { label: "a b=c" } }], "sockets[0].policy.label must be key=value"],
  [
    [{ host: "a", policy: { readonly: true } }],
    'sockets[0].policy has no "readonly": it may have read-only, label, no-privileged, no-host-mounts',
  ],
])("%j", (value, text) => {
  expect(() => socketsOf(JSON.stringify(value))).toThrow(text);
});
