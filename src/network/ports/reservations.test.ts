import { expect, test } from "bun:test";
import fc from "fast-check";
import { PortReservations, type HostPorts } from "./reservations.ts";

const range = { first: 100, last: 103 };
const port = (
  first: number,
  last = first,
  address = "0.0.0.0",
  protocol: HostPorts["protocol"] = "tcp",
): HostPorts => ({
  protocol,
  address,
  first,
  last,
});

test("any address clashes with each of its family, two others do not; nor do protocols", () => {
  const taken = new PortReservations(range);
  taken.restore([port(80, 80, "127.0.0.1")]);
  expect(taken.free(port(80))).toBe(false);
  expect(taken.free(port(80, 80, "127.0.0.1"))).toBe(false);
  expect(taken.free(port(80, 80, "127.0.0.2"))).toBe(true);
  expect(taken.free(port(80, 80, "::"))).toBe(true);
  expect(taken.free(port(80, 80, "127.0.0.1", "udp"))).toBe(true);
  expect(taken.free(port(70, 90))).toBe(false);
  expect(taken.free(port(81, 90))).toBe(true);
});

test("free ports go round, so that one that was given back isn't given out at once", () => {
  const taken = new PortReservations(range);
  const next = (): number => taken.takeAny("tcp", ["0.0.0.0"]);
  expect([next(), next()]).toEqual([100, 101]);
  taken.release([port(100)]);
  expect([next(), next(), next()]).toEqual([102, 103, 100]);
  expect(next).toThrow("all ports are allocated");
  // It goes on from there for other protocols, too.
  expect(taken.takeAny("udp", ["0.0.0.0"])).toBe(101);
});

test("one port for all addresses; what others have is passed over", () => {
  const taken = new PortReservations(range);
  taken.restore([port(100, 100, "::")]);
  expect(taken.takeAny("tcp", ["0.0.0.0", "::"], undefined, new Set([101]))).toBe(102);
  expect(taken.free(port(102, 102, "::"))).toBe(false);
  expect(taken.takeAny("tcp", ["0.0.0.0"], { first: 100, last: 102 })).toBe(100);
  expect(() => taken.takeAny("tcp", ["::"], { first: 100, last: 100 })).toThrow("all ports are allocated");
});

test("agrees with a list of single ports", () => {
  const ports = fc.record({
    protocol: fc.constantFrom("tcp", "udp"),
    address: fc.constantFrom("0.0.0.0", "127.0.0.1", "127.0.0.2", "::", "::1"),
    first: fc.integer({ min: 1, max: 12 }),
    length: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(ports, { maxLength: 20 }), (wanted) => {
      const taken = new PortReservations(range);
      const held: HostPorts[] = [];
      const wild = (address: string): boolean => address === "0.0.0.0" || address === "::";
      for (const { protocol, address, first, length } of wanted) {
        const one = port(first, first + length, address, protocol);
        const clash = held.some(
          (other) =>
            other.protocol === protocol &&
            other.first <= one.last &&
            one.first <= other.last &&
            other.address.includes(":") === address.includes(":") &&
            (other.address === address || wild(other.address) || wild(address)),
        );
        expect(taken.free(one)).toBe(!clash);
        if (clash) {
          const gone = held.splice(0, 1);
          taken.release(gone);
        } else {
          taken.restore([one]);
          held.push(one);
        }
      }
      taken.release(held);
      expect(taken.free(port(1, 65535))).toBe(true);
    }),
  );
});
