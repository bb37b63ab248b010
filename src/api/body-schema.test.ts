import { expect, test } from "bun:test";
import { parseBody } from "./go-json.ts";
import { readCreateBody, readExecStartBody, readVolumeBody } from "./schemas.ts";

test("field names count in any case of letters, unknown ones are dropped", () => {
  expect<unknown>(readCreateBody({ image: "i", HOSTCONFIG: { memory: 5, x: 1 }, nonsense: true })).toEqual({
    Image: "i",
    HostConfig: { Memory: 5 },
  });
});

test("null is as if the field were absent, and Go's zero value in lists and maps", () => {
  const body = {
    Image: "i",
    Hostname: null,
    Env: null,
    HostConfig: { PortBindings: { "80/tcp": null }, Binds: [null, "a:b"], MemorySwappiness: null },
    NetworkingConfig: { EndpointsConfig: { none: null } },
    Volumes: { "/v": null },
    Labels: { a: null },
  };
  expect<unknown>(readCreateBody(body)).toEqual({
    Image: "i",
    HostConfig: { PortBindings: { "80/tcp": null }, Binds: ["", "a:b"] },
    NetworkingConfig: { EndpointsConfig: { none: null } },
    Volumes: { "/v": {} },
    Labels: { a: "" },
  });
  expect<unknown>(readExecStartBody(null)).toEqual({});
});

test("commands and capabilities may be one string", () => {
  expect<unknown>(readCreateBody({ Cmd: "ls", Entrypoint: "sh", HostConfig: { CapAdd: "ALL" } })).toEqual({
    Cmd: ["ls"],
    Entrypoint: ["sh"],
    HostConfig: { CapAdd: ["ALL"] },
  });
});

test("wrong types are told in the words of Go's decoder", () => {
  const wrong: [() => unknown, string][] = [
    [
      () => readCreateBody({ HostConfig: { Memory: "a" } }),
      "cannot unmarshal string into Go struct field .HostConfig.Memory of type int64",
    ],
    [
      () => readCreateBody({ HostConfig: { PidsLimit: 1.5 } }),
      "cannot unmarshal number 1.5 into Go struct field .HostConfig.PidsLimit of type int64",
    ],
    [
      () => readCreateBody({ Env: { a: 1 } }),
      "cannot unmarshal object into Go struct field .Env of type []string",
    ],
    [
      () => readCreateBody(parseBody('{"HostConfig":{"PidsLimit":1e3}}')),
      "cannot unmarshal number 1e3 into Go struct field .HostConfig.PidsLimit of type int64",
    ],
    [
      () => readCreateBody(parseBody('{"HostConfig":{"PidsLimit":18446744073709551616}}')),
      "cannot unmarshal number 18446744073709551616 into Go struct field .HostConfig.PidsLimit of type int64",
    ],
    [
      () => readCreateBody(parseBody('{"Healthcheck":1e400}')),
      "cannot unmarshal number into Go struct field .Healthcheck of type",
    ],
    [() => readCreateBody({ Cmd: 7 }), "cannot unmarshal number into Go value of type string"],
    [() => readCreateBody({ Env: [1] }), "cannot unmarshal number into .Env.0 of type string"],
    [() => readCreateBody({ Tty: "yes" }), "cannot unmarshal string into Go struct field .Tty of type bool"],
    [
      () => readCreateBody({ HostConfig: { Mounts: [{ Target: 1 }] } }),
      "cannot unmarshal number into Go struct field .HostConfig.Mounts.0.Target of type string",
    ],
    [
      () => readVolumeBody({ Name: 1 }),
      "cannot unmarshal number into Go struct field CreateOptions.Name of type string",
    ],
    [() => readCreateBody([]), "cannot unmarshal array into Go value of type"],
  ];
  for (const [read, message] of wrong) expect(read).toThrow(message);
});
