import { expect, test } from "bun:test";
import fc from "fast-check";
import { decode, encode, LOAD, RET_ALLOW, RETURN } from "./bpf.ts";

test("struct sock_filter: u16 code, u8 jt, u8 jf, u32 k, in the machine's order", () => {
  const program = [
    { code: LOAD, jt: 0, jf: 0, k: 4 },
    { code: RETURN, jt: 1, jf: 255, k: RET_ALLOW },
  ];
  expect(Buffer.from(encode(program)).toString("hex")).toBe("2000000004000000" + "060001ff0000ff7f");
  expect(Buffer.from(encode(program, true)).toString("hex")).toBe("0020000000000004" + "000601ff7fff0000");
});

test("programs come back; one that is cut short is none", () => {
  const instruction = fc.record({
    code: fc.nat({ max: 0xffff }),
    jt: fc.nat({ max: 0xff }),
    jf: fc.nat({ max: 0xff }),
    k: fc.integer({ min: 0, max: 0xffff_ffff }),
  });
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 10 }), fc.boolean(), (program, bigEndian) => {
      expect(decode(encode(program, bigEndian), bigEndian)).toEqual(program);
    }),
  );
  expect(() => decode(new Uint8Array(9))).toThrow("seccomp filter: the last instruction is cut short");
});
