import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { answerLocally, readQuery } from "./answer.ts";
import { decodeMessage, encodeMessage, optRecord, types, type Message } from "./codec.ts";
import type { DnsContainer, DnsEndpoint } from "./types.ts";
import { Zone } from "./zone.ts";

/** What dockerd 28.5.2 answered in the world that {@link world} describes. */
interface Case {
  readonly client: string;
  readonly name: string;
  readonly type: string | number;
  readonly opt?: number;
  readonly rd?: number;
  readonly class?: number;
  readonly opcode?: number;
  readonly nq?: number;
  readonly tcp?: boolean;
  readonly got: {
    readonly code: number;
    readonly aa: number;
    readonly tc: number;
    readonly rd: number;
    readonly ra: number;
    readonly answers: readonly string[];
    readonly forwarded: boolean;
  };
}
const cases = JSON.parse(
  readFileSync(join(import.meta.dir, "docker-answers.json"), "utf8"),
) as readonly Case[];

const typeNumbers: Readonly<Record<string, number>> = { ...types, SOA: 6, HTTPS: 65, ANY: 255 };
const typeNames = new Map(Object.entries(typeNumbers).map(([name, number]) => [number, name]));

function world(): Zone {
  const zone = new Zone();
  const networks = { app: false, back: false, inside: true };
  for (const [name, internal] of Object.entries(networks))
    zone.apply({ op: "network", network: { id: name, name, internal } });
  const endpoints: readonly Omit<DnsEndpoint, "id">[] = [
    {
      network: "app",
      container: "web1",
      names: ["web1", "web", "Odd.Alias", "SHORT", "webhost"],
      ipv4: "172.30.0.11",
      ipv6: "fd00:30::2",
    },
    { network: "app", container: "web2", names: ["web2", "web"], ipv4: "172.30.0.12", ipv6: "fd00:30:0::3" },
    {
      network: "back",
      container: "only4",
      names: ["only4", "a5f64cd4f456", "fqdn.example.test"],
      ipv4: "172.31.0.11",
    },
    { network: "inside", container: "secret", names: ["secret"], ipv4: "172.32.0.11" },
    { network: "app", container: "client", names: ["client"], ipv4: "172.30.0.20" },
    { network: "back", container: "client", names: ["client"], ipv4: "172.31.0.20" },
    { network: "inside", container: "inclient", names: ["inclient"], ipv4: "172.32.0.20" },
  ];
  for (const endpoint of endpoints)
    zone.apply({
      op: "endpoint",
      endpoint: { id: `${endpoint.container}@${endpoint.network}`, ...endpoint },
    });
  const askers: readonly DnsContainer[] = [
    { id: "client", networks: ["app", "back"], links: { app: { linked: "web1" } }, servers: null, ndots: 0 },
    { id: "inclient", networks: ["inside"], links: {}, servers: null, ndots: 0 },
    { id: "loclient", networks: ["app"], links: {}, servers: ["127.0.0.5"], ndots: 0 },
    { id: "searchclient", networks: ["app"], links: {}, servers: null, ndots: 2 },
  ];
  for (const container of askers) zone.apply({ op: "container", container });
  return zone;
}

function queryOf(each: Case): Uint8Array {
  const type = typeof each.type === "number" ? each.type : (typeNumbers[each.type] ?? 0);
  const question = { name: each.name.replace(/\.$/, ""), type, class: each.class ?? 1 };
  const query: Message = {
    id: 0x1234,
    flags: ((each.opcode ?? 0) << 11) | ((each.rd ?? 1) << 8),
    questions: Array.from({ length: each.nq ?? 1 }, () => question),
    answers: [],
    authorities: [],
    additionals: each.opt === undefined ? [] : [optRecord(each.opt, true)],
  };
  return encodeMessage(query) ?? new Uint8Array();
}

/** The answer to `query`; undefined: it would be asked elsewhere. */
function ask(zone: Zone, client: string, query: Uint8Array, transport: "udp" | "tcp"): Message | undefined {
  const reading = readQuery(query, transport);
  if (reading === undefined) return undefined;
  const container = zone.container(client);
  if ("answer" in reading) return decodeMessage(reading.answer);
  const bytes = container === undefined ? undefined : answerLocally(zone, container, reading.asked);
  return bytes === undefined ? undefined : decodeMessage(bytes);
}

/** Why we answer otherwise than Docker: see docs/decisions/names.md. */
function deliberate(each: Case): boolean {
  return (
    // Names have no case, networks' neither.
    ["WEB1.App", "12.0.30.172.IN-ADDR.ARPA"].includes(each.name) ||
    // Who is called so here is not asked for elsewhere, whatever the type.
    (/^(?:web1|web1\.app)$/.test(each.name) && !["A", "AAAA", "MX"].includes(String(each.type))) ||
    // NOTIFY is no question.
    each.opcode === 4
  );
}

for (const each of cases.filter((one) => !deliberate(one))) {
  const { got, ...asked } = each;
  test(`as dockerd answers: ${JSON.stringify(asked)}`, () => {
    const answer = ask(world(), each.client, queryOf(each), each.tcp === true ? "tcp" : "udp");
    // An internal network's or a lost server's SERVFAIL comes from elsewhere: test/network/dns.test.ts.
    if (got.forwarded || got.code === 2) return expect(answer).toBeUndefined();
    expect(answer).toBeDefined();
    const flags = answer?.flags ?? 0;
    expect(answer?.id).toBe(0x1234);
    expect({
      code: flags & 15,
      aa: (flags >> 10) & 1,
      tc: (flags >> 9) & 1,
      rd: (flags >> 8) & 1,
      ra: (flags >> 7) & 1,
    }).toEqual({
      code: got.code,
      aa: got.aa,
      tc: got.tc,
      rd: got.rd,
      ra: got.ra,
    });
    const records = (answer?.answers ?? []).map(({ name, type, class: kind, ttl, data }) => {
      const value = data.kind === "address" ? data.address : data.kind === "name" ? `${data.name}.` : "";
      return `${name}. ${typeNames.get(type)} ${kind} ${ttl} ${value}`;
    });
    expect(records.sort()).toEqual([...got.answers]);
    expect(answer?.additionals.length).toBe(each.opt === undefined || got.code !== 0 ? 0 : 1);
  });
}

test("otherwise than dockerd: names have no case, and a known name has no other records than ours", () => {
  const simple = (name: string, type: string): Message | undefined =>
    ask(world(), "client", queryOf({ client: "client", name, type } as Case), "udp");
  expect(simple("WEB1.App", "A")?.answers.length).toBe(1);
  expect(simple("12.0.30.172.IN-ADDR.ARPA", "PTR")?.answers.length).toBe(1);
  for (const type of ["TXT", "HTTPS", "SRV", "ANY"]) {
    expect(simple("web1", type)?.answers).toEqual([]);
    expect((simple("web1", type)?.flags ?? 15) & 15).toBe(0);
  }
});

test("no query: no answer, or a header that says so", () => {
  const good = queryOf({ client: "client", name: "web1", type: "A" } as Case);
  expect(readQuery(good.subarray(0, 11), "udp")).toBeUndefined();
  const answer = Uint8Array.from(good);
  answer[2] = 0x81;
  expect(readQuery(answer, "udp")).toBeUndefined();
  const reading = readQuery(good.subarray(0, 15), "udp");
  expect(reading !== undefined && "answer" in reading ? [...reading.answer] : []).toEqual([
    0x12, 0x34, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0,
  ]);
});

test("many addresses: by UDP as many as fit, in any order; by TCP all", () => {
  const zone = world();
  for (let at = 0; at < 300; at += 1)
    zone.apply({
      op: "endpoint",
      endpoint: {
        id: `r${at}`,
        network: "app",
        container: "x",
        names: ["many"],
        ipv4: `172.30.${1 + (at >> 8)}.${at & 255}`,
      },
    });
  const query = (opt?: number): Uint8Array =>
    queryOf({ client: "client", name: "many", type: "A", ...(opt === undefined ? {} : { opt }) } as Case);
  const small = ask(zone, "client", query(), "udp");
  expect(small?.answers.length).toBe(Math.floor((512 - 12 - 10) / 16));
  expect((small?.flags ?? 0) & 0x200).toBe(0x200);
  expect(ask(zone, "client", query(1232), "udp")?.answers.length).toBe(
    Math.floor((1232 - 12 - 10 - 11) / 16),
  );
  const whole = ask(zone, "client", query(), "tcp");
  expect(whole?.answers.length).toBe(300);
  expect((whole?.flags ?? 0) & 0x200).toBe(0);
  const firsts = new Set(
    Array.from({ length: 50 }, () => JSON.stringify(ask(zone, "client", query(), "udp")?.answers[0]?.data)),
  );
  expect(firsts.size).toBeGreaterThan(10);
});
