/**
 * The native executor, by way of the kernel module: needs `make -C native` and root.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  CLONE,
  Executor,
  flags,
  KernelError,
  O,
  ProgramBuilder,
  struct,
  text,
  vector,
  type Program,
  type Result,
  type Slot,
} from "../../src/kernel/mod.ts";
import { binary, build, childrenOf, CWD, NONE, open, sleep } from "./programs.ts";

const WEXITED = 4;
const P_PIDFD = 3;
const scratch = mkdtempSync("/tmp/caisson-execute-");
let executor: Executor;

beforeAll(() => {
  executor = Executor.start(binary);
});
afterAll(() => {
  executor.close();
  rmSync(scratch, { recursive: true });
});

/** Builds a program with `fill` and runs it. */
async function run<T>(
  fill: (b: ProgramBuilder) => T,
): Promise<T & { outcome: Awaited<ReturnType<Executor["run"]>> }> {
  const b = new ProgramBuilder();
  const parts = fill(b);
  return { ...parts, outcome: await executor.run(b.build()) };
}

/** The error of a program that must fail. */
async function failureOf(program: Program): Promise<KernelError> {
  try {
    await executor.run(program);
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
  throw new TypeError("the program did not fail");
}

/** Reaps the child behind `pidfd`; otherwise it stays a zombie of the session. */
function reap(b: ProgramBuilder, pidfd: Slot): void {
  b.call("reap the child", "waitid", [P_PIDFD, pidfd, 0, WEXITED, 0]);
}

describe("operations", () => {
  test("a system call's result and what it wrote come back", async () => {
    const { outcome, length, out } = await run((b) => {
      const file = b.slot("file");
      const out = b.out(64);
      open(b, "/proc/version", file);
      return { length: b.call("read it", "read", [file, out, 64]), out };
    });
    expect(outcome.valueOf(length)).toBe(64);
    expect(Buffer.from(outcome.bytesOf(out)).toString()).toStartWith("Linux version ");
  });

  test("slots stay for the session's next program, and a full one is closed before it is filled", async () => {
    const before = readdirSync(`/proc/${executor.pid}/fd`).length;
    await run((b) => ({ a: open(b, "/proc/version", b.slot("kept")) }));
    const { outcome, name, out } = await run((b) => {
      const kept = b.slot("kept");
      const out = b.out(32);
      const name = b.call("read the link", "readlinkat", [CWD, text("/proc/self/fd/", kept), out, 32]);
      open(b, "/proc/uptime", kept);
      b.composite("close it", "close", [kept]);
      return { name, out };
    });
    expect(Buffer.from(outcome.bytesOf(out)).toString("utf8", 0, outcome.valueOf(name))).toBe(
      "/proc/version",
    );
    expect(readdirSync(`/proc/${executor.pid}/fd`).length).toBeLessThanOrEqual(before);
  });

  test("a failure names the operation and stops the program", async () => {
    const path = join(scratch, "never");
    const error = await failureOf(
      build((b) => {
        b.call("get the pid", "getpid", []);
        open(b, "/no/such/file", b.slot("file"));
        b.call("make a directory", "mkdirat", [CWD, path, 0o755]);
      }),
    );
    expect([error.index, error.errnoName]).toEqual([1, "ENOENT"]);
    expect(existsSync(path)).toBe(false);
  });

  test("a tolerated failure is the result, empties the slot, and optional operations on it are skipped", async () => {
    const { outcome, good, bad, skipped, named } = await run((b) => {
      const file = b.slot("file");
      open(b, "/proc/version", file);
      const good = b.call("stat it", "fchdir", [file], { tolerate: ["ENOTDIR"] });
      const bad = open(b, "/no/such/file", file, "any");
      const skipped = b.call("read it", "read", [file, b.out(8), 8], { optional: true });
      const named = b.call("open it again", "openat", [CWD, text("/proc/self/fd/", file), 0, 0], {
        optional: true,
      });
      return { good, bad, skipped, named };
    });
    expect(outcome.valueOf(good)).toBe(-20);
    expect(outcome.valueOf(bad)).toBe(-2);
    expect(outcome.valueOf(skipped)).toBeUndefined();
    expect(outcome.valueOf(named)).toBeUndefined();
  });

  test("an empty slot is EBADF, the result of a skipped operation EINVAL", async () => {
    const empty = await failureOf(build((b) => b.call("use it", "fchdir", [b.slot("x")])));
    expect(empty.errnoName).toBe("EBADF");
    const skipped = await failureOf(
      build((b) => {
        const never = b.call("skipped", "fchdir", [b.slot("x")], { optional: true });
        b.call("use its result", "getpgid", [never]);
      }),
    );
    expect([skipped.index, skipped.errnoName]).toEqual([1, "EINVAL"]);
  });

  test("structures are patched with pointers, descriptors and structures", async () => {
    const { outcome, written, out } = await run((b) => {
      const reader = b.slot("reader");
      const pair = b.out(8);
      b.call("make a pipe", "pipe2", [pair, flags(O, "CLOEXEC")]);
      open(b, "/proc/sys/kernel/ostype", reader);
      const out = b.out(16);
      // An iovec array: one into the output, and poll's view of the descriptor before it.
      const vectors = struct(Buffer.alloc(16).fill(5, 8, 9), "{out, 5}", [
        { offset: 0, width: 8, value: out },
      ]);
      const poll = Buffer.alloc(8);
      poll.writeUInt16LE(1, 4);
      b.call("poll it", "ppoll", [
        struct(poll, "{fd}", [{ offset: 0, width: 4, value: reader }]),
        1,
        0,
        0,
        0,
      ]);
      const written = b.call("read it", "readv", [reader, vectors, 1]);
      return { written, out };
    });
    expect(outcome.valueOf(written)).toBe(5);
    expect(Buffer.from(outcome.bytesOf(out)).toString("utf8", 0, 5)).toBe("Linux");
  });

  test("writing into a pipe that nobody reads is EPIPE, not the end of the session", async () => {
    const error = await failureOf(
      build((b) => {
        const [reader, writer] = [b.slot("reader"), b.slot("writer")];
        const path = join(scratch, "fifo");
        b.call("make a pipe", "mknodat", [CWD, path, 0o010600, 0]);
        b.call("read it", "openat", [CWD, path, flags(O, "RDWR", "CLOEXEC"), 0], { into: reader });
        b.call("write it", "openat", [CWD, path, flags(O, "WRONLY", "CLOEXEC"), 0], { into: writer });
        b.composite("read it no longer", "close", [reader]);
        b.call("write", "write", [writer, "x", 1]);
      }),
    );
    expect(error.errnoName).toBe("EPIPE");
    expect(executor.lost).toBe(false);
  });

  test("read, write and compare check what they work on", async () => {
    const path = join(scratch, "written");
    const PROC = 0x9fa0;
    const create = flags(O, "WRONLY", "CREAT", "TRUNC");
    const { outcome, length, out } = await run((b) => {
      const pid = b.call("get the pid", "getpid", []);
      b.composite("write", "write", [CWD, path, text("pid ", pid, "\n"), create, 0o600, 0]);
      const out = b.out(64);
      const length = b.composite("read", "read", [CWD, path, out, 0]);
      b.composite("compare", "compare", [{ ...out, size: 4 }, 0xffffffff, 0x20646970, 22]);
      return { length, out };
    });
    expect(Buffer.from(outcome.bytesOf(out)).toString("utf8", 0, outcome.valueOf(length))).toBe(
      `pid ${executor.pid}\n`,
    );
    expect(
      (await failureOf(build((b) => b.composite("r", "read", [CWD, path, b.out(8), PROC])))).errnoName,
    ).toBe("EXDEV");
    const different = build((b) => b.composite("c", "compare", [b.out(1), 255, 7, 71]));
    expect((await failureOf(different)).errnoName).toBe("EPROTO");
  });

  test("skip follows its condition", async () => {
    const { outcome, results } = await run((b) => {
      const seven = b.call("fail with a number", "fchdir", [-1], { tolerate: "any" });
      const results: [boolean, Result][] = [];
      const conditions = [
        ["<0", 0, true],
        [">=0", 0, false],
        ["==", -9, true],
        ["!=", -9, false],
      ] as const;
      for (const [condition, value, skips] of conditions)
        b.skipIf(condition, seven, condition, value, () =>
          results.push([skips, b.call("one", "getpid", [])]),
        );
      return { results };
    });
    for (const [skips, result] of results) expect(outcome.valueOf(result) === undefined).toBe(skips);
  });
});

describe("clone", () => {
  test("parent and child pass values and descriptors, then the child executes", async () => {
    const { outcome, value, count, length, out } = await run((b) => {
      const [channel, pidfd, file, got, absent] = ["channel", "pidfd", "file", "got", "absent"].map((n) =>
        b.slot(n),
      ) as [Slot, Slot, Slot, Slot, Slot];
      const list = (...slots: Slot[]) => ({
        kind: "bytes" as const,
        value: new Uint8Array(Uint16Array.from(slots, (slot) => slot.index).buffer),
        text: "slots",
      });
      b.clone("child", { flags: NONE, pidfd, channel }, () => {
        open(b, "/proc/sys/kernel/ostype", file);
        b.composite("hand it over", "pass", [channel, list(file, absent)]);
        b.composite("say a number", "sync", [channel, 4711]);
        b.composite("wait", "await", [channel, 1]);
        b.call("execute", "execve", ["/bin/true", vector(["true"]), vector([])]);
      });
      const count = b.composite("take it", "take", [channel, list(got, absent)]);
      const value = b.composite("wait", "await", [channel, 1]);
      b.composite("go", "sync", [channel, 0]);
      b.composite("wait until it executes", "await", [channel, 2]);
      const out = b.out(16);
      const length = b.call("read", "read", [got, out, 16]);
      reap(b, pidfd);
      return { value, count, length, out };
    });
    expect(outcome.valueOf(count)).toBe(1);
    expect(outcome.valueOf(value)).toBe(4711);
    expect(Buffer.from(outcome.bytesOf(out)).toString("utf8", 0, outcome.valueOf(length))).toBe("Linux\n");
  });

  test("a failing grandchild is named, and nothing that was cloned survives", async () => {
    let failing = -1;
    const error = await failureOf(
      build((b) => {
        const [outer, inner, pidfd, sleeper] = [
          b.slot("outer"),
          b.slot("inner"),
          b.slot("pidfd"),
          b.slot("sleeper"),
        ];
        b.clone("one that would go on", { flags: NONE, channel: sleeper }, () => sleep(b, 1000));
        b.clone("child", { flags: NONE, pidfd, channel: outer }, () => {
          b.clone("grandchild", { flags: NONE, channel: inner }, () => {
            failing = b.composite("fail", "fail", [71]).operation;
          });
          b.composite("wait for it", "await", [inner, 1]);
        });
        b.composite("wait for it", "await", [outer, 1]);
      }),
    );
    expect([error.index, error.errnoName]).toEqual([failing, "EPROTO"]);
    expect(childrenOf(executor.pid)).toBe("");
  });

  test("whoever speaks to a child that failed hears why", async () => {
    const error = await failureOf(
      build((b) => {
        const [channel, pidfd] = [b.slot("channel"), b.slot("pidfd")];
        b.clone("child", { flags: NONE, pidfd, channel }, () => open(b, "/no/such/file", b.slot("file")));
        // It must be gone, so that sending fails.
        b.call("wait until it is dead", "waitid", [P_PIDFD, pidfd, 0, WEXITED | 0x01000000, 0]);
        b.composite("go on", "sync", [channel, 0]);
      }),
    );
    expect([error.index, error.errnoName]).toEqual([1, "ENOENT"]);
  });

  test("a body whose seccomp filter forbids sendmsg still says why it failed", async () => {
    const sendmsg = process.arch === "x64" ? 46 : 211;
    // Load the number; if it is sendmsg, EPERM; else allowed.
    const filter = Uint32Array.from([0x20, 0, 0x01000015, sendmsg, 6, 0x50001, 6, 0x7fff0000]);
    let failing = -1;
    const error = await failureOf(
      build((b) => {
        const channel = b.slot("channel");
        b.clone("child", { flags: NONE, channel }, () => {
          const program = struct(Buffer.from([4, ...new Uint8Array(15)]), "{4, filter}", [
            { offset: 8, width: 8, value: struct(new Uint8Array(filter.buffer), "filter", []) },
          ]);
          b.call("filter", "seccomp", [1, 0, program]);
          failing = open(b, "/no/such/file", b.slot("file")).operation;
        });
        b.composite("wait until it executes", "await", [channel, 2]);
      }),
    );
    expect([error.index, error.errnoName]).toEqual([failing, "ENOENT"]);
  });

  test("a child that vanishes is ECHILD; its exit code is its body's", async () => {
    const { outcome, out } = await run((b) => {
      const [channel, pidfd] = [b.slot("channel"), b.slot("pidfd")];
      b.clone("child", { flags: NONE, pidfd, channel }, () => b.composite("leave", "exit", [42]));
      const out = b.out(128);
      b.composite("wait in vain", "await", [channel, 1], { tolerate: ["ECHILD"] });
      b.call("reap", "waitid", [P_PIDFD, pidfd, out, WEXITED, 0]);
      return { out };
    });
    // si_status of siginfo_t
    expect(Buffer.from(outcome.bytesOf(out)).readInt32LE(24)).toBe(42);
  });

  test("in its parent's memory: its descriptors, slots and results are its own, and it is waited for", async () => {
    const status = join(scratch, "borrowed");
    const { outcome, inside, mine } = await run((b) => {
      const [channel, pidfd, file] = [b.slot("channel"), b.slot("pidfd"), b.slot("file")];
      open(b, "/proc/sys/kernel/ostype", file);
      let inside: Result | undefined;
      b.clone("child", { flags: flags(CLONE, "VM", "VFORK"), pidfd, channel }, () => {
        inside = open(b, "/proc/sys/kernel/osrelease", file);
        const script = `ls /proc/$$/fd > ${status}`;
        b.call("execute", "execve", [
          "/bin/sh",
          vector(["sh", "-c", script]),
          vector(["PATH=/bin:/usr/bin"]),
        ]);
      });
      const mine = b.out(8);
      b.call("read what it had before", "read", [file, mine, 6]);
      b.composite("it executes", "await", [channel, 2]);
      reap(b, pidfd);
      return { inside, mine };
    });
    expect(inside && outcome.valueOf(inside)).toBeUndefined();
    expect(Buffer.from(outcome.bytesOf(mine)).toString("utf8", 0, 6)).toBe("Linux\n");
    expect(
      readFileSync(status, "utf8")
        .trim()
        .split("\n")
        .filter((fd) => Number(fd) > 2 && fd !== "10" && fd !== "255"),
    ).toEqual([]);
  });

  test("in its parent's memory it says why it failed, and the session goes on", async () => {
    const error = await failureOf(
      build((b) => {
        const channel = b.slot("channel");
        b.clone("child", { flags: flags(CLONE, "VM", "VFORK"), channel }, () => {
          b.call("execute", "execve", ["/no/such/file", vector(["no"]), vector([])]);
        });
        b.composite("it executes", "await", [channel, 2]);
      }),
    );
    expect([error.index, error.errnoName]).toEqual([1, "ENOENT"]);
    expect(childrenOf(executor.pid)).toBe("");
  });

  test("what shares its parent's memory clones nothing, and has no namespaces", async () => {
    const nested = build((b) => {
      b.clone("child", { flags: flags(CLONE, "VM", "VFORK"), channel: b.slot("outer") }, () => {
        b.clone("grandchild", { flags: NONE, channel: b.slot("inner") }, () => sleep(b, 1));
      });
    });
    const alone = (...names: ("VM" | "VFORK" | "NEWNET")[]): Program =>
      build((b) => {
        b.clone("child", { flags: flags(CLONE, ...names), channel: b.slot("channel") }, () => sleep(b, 1));
      });
    for (const program of [nested, alone("VM"), alone("VFORK"), alone("VM", "VFORK", "NEWNET")])
      expect(
        String(await executor.run(program, { doing: "child" }).catch((error: unknown) => error)),
      ).toContain("malformed");
  });

  test("namespaces are new, and the child starts with default signals and no descriptor of the session", async () => {
    const status = join(scratch, "status");
    const fds = join(scratch, "fds");
    await run((b) => {
      const [channel, pidfd] = [b.slot("channel"), b.slot("pidfd")];
      b.clone("child", { flags: flags(CLONE, "NEWPID", "NEWUTS"), pidfd, channel }, () => {
        const script = `grep -E '^(NSpid|SigIgn|SigBlk)' /proc/self/status > ${status}; ls /proc/self/fd > ${fds}`;
        b.call("execute", "execve", [
          "/bin/sh",
          vector(["sh", "-c", script]),
          vector(["PATH=/bin:/usr/bin"]),
        ]);
      });
      b.composite("wait until it executes", "await", [channel, 2]);
      reap(b, pidfd);
      return {};
    });
    expect(readFileSync(status, "utf8")).toMatch(/NSpid:\t\d+\t\d+\nSigBlk:\t0{16}\nSigIgn:\t0{16}\n/);
    // 0 to 2, and what the shell and ls opened themselves.
    expect(
      readFileSync(fds, "utf8")
        .trim()
        .split("\n")
        .map(Number)
        .every((fd) => fd <= 3),
    ).toBe(true);
  });
});

describe("remove", () => {
  function remove(name: string): Promise<{ outcome: Awaited<ReturnType<Executor["run"]>>; removed: Result }> {
    return run((b) => {
      const directory = b.slot("directory");
      open(b, scratch, directory);
      return { removed: b.composite("remove", "remove", [directory, name]) };
    });
  }

  test("a tree goes with all that is in it; links are not followed; missing is fine", async () => {
    const tree = join(scratch, "tree");
    const outside = join(scratch, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "precious"), "");
    for (let i = 0; i < 20; i++) {
      mkdirSync(join(tree, `directory ${i}`, "empty"), { recursive: true });
      for (let j = 0; j < 30; j++)
        writeFileSync(join(tree, `directory ${i}`, `file with quite a long name ${j}`), "");
    }
    symlinkSync(outside, join(tree, "link"));
    chmodSync(join(tree, "directory 0"), 0);
    const { outcome, removed } = await remove("tree");
    expect(outcome.valueOf(removed)).toBe(1 + 1 + 20 * 32);
    expect(existsSync(tree)).toBe(false);
    expect(existsSync(join(outside, "precious"))).toBe(true);
    const again = await remove("tree");
    expect(again.outcome.valueOf(again.removed)).toBe(0);
  });

  test("10,000 levels are not too deep", async () => {
    // Not on a disk, where ten thousand directories take seconds.
    const shallow = mkdtempSync("/dev/shm/caisson-execute-");
    const { outcome, removed } = await run((b) => {
      const directory = b.slot("directory");
      const mine = b.slot("mine");
      open(b, shallow, directory);
      open(b, shallow, mine);
      for (let i = 0; i < 10_000; i++) {
        b.call("make", "mkdirat", [mine, "deep", 0o700]);
        b.call("enter", "openat", [mine, "deep", flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), 0], {
          into: mine,
        });
      }
      return { removed: b.composite("remove", "remove", [directory, "deep"]) };
    });
    expect(outcome.valueOf(removed)).toBe(10_000);
    rmdirSync(shallow);
  }, 30_000);

  test("more than one component is refused, and a mount is not entered", async () => {
    for (const name of ["..", ".", "", "a/b"]) {
      const program = build((b) => b.composite("remove", "remove", [CWD, name]));
      expect((await failureOf(program)).errnoName).toBe("EINVAL");
    }
    mkdirSync(join(scratch, "mounted/here"), { recursive: true });
    const error = await failureOf(
      build((b) => {
        const [channel, directory] = [b.slot("channel"), b.slot("directory")];
        b.clone("in a mount namespace of its own", { flags: flags(CLONE, "NEWNS"), channel }, () => {
          b.call("keep it private", "mount", ["none", "/", 0, 0x44000, 0]);
          b.call("mount", "mount", ["none", join(scratch, "mounted/here"), "tmpfs", 0, 0]);
          open(b, scratch, directory);
          b.composite("remove", "remove", [directory, "mounted"]);
        });
        b.composite("wait", "await", [channel, 2]);
      }),
    );
    expect(error.errnoName).toBe("EBUSY");
    expect(existsSync(join(scratch, "mounted/here"))).toBe(true);
  });
});
