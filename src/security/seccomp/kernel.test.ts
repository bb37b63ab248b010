import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { release } from "node:os";
import { arch } from "node:process";
import { compileSeccomp } from "./compile.ts";
import { defaultProfile } from "./default-profile.ts";
import { expand } from "./expand.ts";
import type { OciSeccomp, SeccompRule } from "./types.ts";

/** Installs a filter (standard input) and makes some calls; no_new_privs lets an ordinary user do that. */
const script = `
import ctypes, errno, sys
code = sys.stdin.buffer.read()
libc = ctypes.CDLL(None, use_errno=True)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
buffer = ctypes.create_string_buffer(code, len(code))
program = Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
libc.prctl(38, 1, 0, 0, 0)
def call(*arguments):
    result = libc.syscall(*[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "0" if result >= 0 else errno.errorcode[ctypes.get_errno()]
print(call(317, 1, 4, ctypes.byref(program)), *[call(*map(int, each.split(","))) for each in sys.argv[1:]])
`;

const usable = arch === "x64" && spawnSync("python3", ["-c", "0"]).status === 0;

function verdicts(profile: OciSeccomp | undefined, calls: string[]): string {
  const { filter } = compileSeccomp(profile ?? { defaultAction: "SCMP_ACT_KILL" }, { arch: "x86_64" });
  const { stdout, stderr, signal } = spawnSync("python3", ["-c", script, ...calls], {
    input: filter,
    encoding: "utf8",
  });
  return `${stdout}${stderr}${signal ?? ""}`.trim();
}

test.skipIf(!usable)(
  "this kernel takes the default filter and obeys it (skipped where python3 or x86-64 is missing)",
  () => {
    const profile = expand(defaultProfile(), { arch: "x86_64", capabilities: [], kernel: release() });
    const calls = {
      "39": "0", // getpid
      "272,268435456": "EPERM", // unshare(CLONE_NEWUSER)
      "435,0,0": "ENOSYS", // clone3
      "135,4294967295": "0", // personality(query)
      "135,262144": "EPERM", // personality(ADDR_NO_RANDOMIZE)
      "41,1,1,0": "0", // socket(AF_UNIX)
      "41,38,5,0": "EPERM", // socket(AF_ALG)
      "250,0,0,0": "EPERM", // keyctl
      "4000": "ENOSYS", // not there yet
    };
    expect(verdicts(profile, Object.keys(calls))).toBe(["0", ...Object.values(calls)].join(" "));
  },
);

test.skipIf(!usable)("this kernel takes a filter close to its limit", () => {
  const syscalls = Array.from({ length: 800 }, (_, i): SeccompRule => {
    return {
      names: ["getpriority"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 2,
      args: [{ index: 1, value: 0x100000000n * BigInt(i + 1), op: "SCMP_CMP_EQ" }],
    };
  });
  const calls = ["140,0,0", `140,0,${0x100000000n * 800n}`, `140,0,${0x100000000n * 801n}`];
  expect(verdicts({ defaultAction: "SCMP_ACT_ALLOW", syscalls }, calls)).toBe("0 0 ENOENT 0");
});
