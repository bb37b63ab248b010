/**
 * The role `proxy`: needs `make -C native` and root.
 * @module
 */
import { describe, expect, test } from "bun:test";
import { patience } from "../support/patience.ts";
import { testUnless } from "../support/requires.ts";
import { inNamespace } from "./namespaced.ts";
import { proxyArguments, refusal } from "./roles.ts";

const scenario = (name: string): Promise<unknown> => inNamespace("proxy-scenarios.ts", name);
const LIMIT = 60_000 * patience;

describe("connections", () => {
  test(
    "100 MB each way arrive bit for bit, though nobody reads at first",
    async () => expect(await scenario("bothDirections")).toEqual({ up: true, down: true }),
    LIMIT,
  );
  test(
    "one direction ends, the other goes on",
    async () => expect(await scenario("halfClose")).toBe("there and back"),
    LIMIT,
  );
  test(
    "500 at once, each with two descriptors, which it gives back",
    async () => expect(await scenario("many")).toEqual({ right: 500, twoEach: true }),
    LIMIT,
  );
  test(
    "without descriptors for all, they wait for each other",
    async () => expect(await scenario("fewDescriptors")).toEqual({ limited: 0, right: 100 }),
    LIMIT,
  );
  test(
    "a container that refuses resets its client; the next may find one that doesn't",
    async () => expect(await scenario("refused")).toEqual({ first: "ECONNRESET", second: "now" }),
    LIMIT,
  );
  test(
    "when one side is reset so is the other, and nothing stays open",
    async () => expect(await scenario("vanished")).toEqual({ clientSaw: "ECONNRESET" }),
    LIMIT,
  );
  test(
    "a listener that it is given, from IPv6 to IPv4, and the status in descriptor 3",
    async () => expect(await scenario("givenListener")).toEqual({ answer: "from 127.0.0.1", said: "0\n" }),
    LIMIT,
  );
  testUnless(Bun.which("nft") === null ? "there is no nft" : undefined)(
    "ports of a range that are redirected lead to the container's",
    async () =>
      expect(await scenario("range")).toEqual({ direct: "0", redirected: "3", beyond: "ECONNRESET" }),
    LIMIT,
  );
});

describe("datagrams", () => {
  test(
    "100 clients get their answers from where they asked",
    async () => expect(await scenario("datagrams")).toBe(100),
    LIMIT,
  );
  test(
    "of more clients than 1,024 the most silent are forgotten",
    async () => expect(await scenario("manyDatagrams")).toEqual({ right: 1100, sockets: 1024 }),
    LIMIT,
  );
});

describe("the start", () => {
  const good = proxyArguments("tcp", 1, 1);
  test.each([
    ["no protocol", good.slice(2), "-proto"],
    ["another protocol", ["-proto", "icmp", ...good.slice(2)], "-proto"],
    ["no address", [...good, "-host-ip", "localhost"], "-host-ip"],
    ["a port that is none", [...good, "-host-port=65536"], "-host-port"],
    ["no port", [...good, "-container-port", "0"], "-container-port"],
    ["too many ports", [...good, "-count", "65536"], "-count"],
    ["ports beyond the last", [...good, "-host-port", "65535", "-count", "2"], "-count"],
    ["a range of another protocol", [...good, "-proto", "udp", "-count", "2"], "-count"],
    ["an unknown argument", [...good, "-x"], "-x"],
    ["a value that is missing", [...good, "--count"], "-count"],
    ["a word", ["tcp", ...good], "tcp"],
    ["no listener", [...good, "-use-listen-fd=false"], "-use-listen-fd"],
  ])("%s is told as status and on stderr", async (_, args, wrong) => {
    const text = `not an argument, or one without a value that it can have: ${wrong}`;
    const { status, complaint } = await refusal(args);
    expect({ status, complaint }).toEqual({ status: `1\n${text}`, complaint: `${text}\n` });
  });

  test("a socket that it wasn't given is told", async () => {
    expect((await refusal(good)).status).toBe("1\ndescriptor 4 is no socket to be served");
  });
});
