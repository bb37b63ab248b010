import { expect, test } from "bun:test";
import { linkVariables, parseLink } from "./links.ts";

test("links in both spellings", () => {
  expect(parseLink("db")).toEqual({ name: "db", alias: "db" });
  expect(parseLink("db:store")).toEqual({ name: "db", alias: "store" });
  expect(parseLink("/db:/web/store")).toEqual({ name: "db", alias: "store" });
  expect(() => parseLink("")).toThrow("empty string specified for links");
  expect(() => parseLink("a:b:c")).toThrow("bad format for links: a:b:c");
});

test("the variables of a link, as dockerd 28.5.2 writes them", () => {
  const tcp = (port: number): { port: number; protocol: string } => ({ port, protocol: "tcp" });
  const variables = linkVariables({
    parent: "app",
    alias: "my-db",
    address: "172.17.0.2",
    ports: [tcp(80), tcp(81), tcp(82), { port: 443, protocol: "udp" }],
    environment: ["PATH=/bin", "A=b", "HOME=/", "EMPTY"],
  });
  const port = (number: number, protocol: string): string[] => {
    const name = `MY_DB_PORT_${number}_${protocol.toUpperCase()}`;
    return [
      `${name}=${protocol}://172.17.0.2:${number}`,
      `${name}_ADDR=172.17.0.2`,
      `${name}_PORT=${number}`,
      `${name}_PROTO=${protocol}`,
    ];
  };
  expect(variables).toEqual([
    "MY_DB_PORT=tcp://172.17.0.2:80",
    ...port(80, "tcp"),
    ...port(81, "tcp"),
    ...port(82, "tcp"),
    ...port(443, "udp"),
    "MY_DB_PORT_80_TCP_START=tcp://172.17.0.2:80",
    "MY_DB_PORT_80_TCP_PORT_START=80",
    "MY_DB_PORT_80_TCP_END=tcp://172.17.0.2:82",
    "MY_DB_PORT_80_TCP_PORT_END=82",
    "MY_DB_NAME=/app/my-db",
    "MY_DB_ENV_A=b",
  ]);
});
