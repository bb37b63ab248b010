/**
 * System calls as a container may make them: the kernel's answer to each, beside Docker's verdict.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, removeAll, run, shell } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { loadScripts } from "../support/scripts.ts";
import { systemCalls } from "./calls.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  await loadScripts(engine, "caller", { calls: "security/system-calls.pl" });
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const EPERM = 1;
const ENOSYS = 38;

/** What Docker's profile refuses a container with Docker's capabilities; EPERM, but for the one that libc must give up on. */
const refused =
  `acct add_key bpf clock_settime clone(CLONE_NEWUSER) clone3 delete_module fanotify_init finit_module
  fsconfig fsmount fsopen fspick get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
  kexec_load keyctl mbind mount mount_setattr move_mount move_pages open_by_handle_at open_tree perf_event_open
  personality(ADDR_NO_RANDOMIZE) pidfd_getfd pivot_root process_madvise quotactl reboot request_key set_mempolicy
  setdomainname sethostname setns settimeofday socket(AF_ALG) socket(AF_VSOCK) swapoff swapon sysfs syslog umount2 unshare
  userfaultfd ustat vhangup`.split(/\s+/);

/** By call: the errno that it came to, 0 for none. */
function errnos(flags: readonly string[]): Map<string, number> {
  const said = must(engine, ["run", "-i", "--rm", "--net=none", ...flags, "caller", "calls"], systemCalls());
  return new Map(
    said.split("\n").map((line) => {
      const [name = "", errno = ""] = line.split(" ");
      return [name, Number(errno)] as const;
    }),
  );
}

describe("each call of a table", () => {
  test.each([[[]], [["--userns=host"]]])("comes to what Docker's profile says: %j", (flags) => {
    const confined = errnos(flags);
    const free = errnos([...flags, "--security-opt=seccomp=unconfined"]);
    const calls = [...confined.keys()];
    expect(calls.length).toBeGreaterThanOrEqual(70);
    const verdicts = calls.filter((name) => refused.includes(name));
    expect(Object.fromEntries(verdicts.map((name) => [name, confined.get(name)]))).toEqual(
      Object.fromEntries(verdicts.map((name) => [name, name === "clone3" ? ENOSYS : EPERM])),
    );
    // Who is allowed hears the same as without a filter.
    const allowed = calls.filter((name) => !refused.includes(name));
    expect(Object.fromEntries(allowed.map((name) => [name, confined.get(name)]))).toEqual(
      Object.fromEntries(allowed.map((name) => [name, free.get(name)])),
    );
    for (const name of allowed) expect([name, free.get(name)]).not.toEqual([name, EPERM]);
    // The others would be refused for want of a capability, too.
    const byTheFilter = verdicts.filter((name) => free.get(name) !== confined.get(name));
    expect(byTheFilter.length).toBeGreaterThanOrEqual(25);
    expect(allowed.length).toBeGreaterThanOrEqual(20);
  });
});

describe("system calls", () => {
  test.each([
    ["unshare", "unshare -U true"],
    ["mount", "mount -t tmpfs tmpfs /tmp"],
  ])("%s is refused by default", (_, script) => {
    const { code, stderr } = run(engine, ["--userns=host"], ["sh", "-c", script]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/Operation not permitted|Permission denied/i);
  });

  test("unconfined: unshare works", () => {
    expect(
      run(engine, ["--userns=host", "--security-opt=seccomp=unconfined"], ["unshare", "-U", "true"]).code,
    ).toBe(0);
  });

  test("a profile of one's own: an errno of its own, arguments, and the rest allowed", () => {
    const profile = join(engine.directory, "profile.json");
    const rules = [
      { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 },
      {
        names: ["kill"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 13,
        args: [{ index: 1, value: 10, op: "SCMP_CMP_EQ" }],
      },
    ];
    writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
    const flags = [`--security-opt=seccomp=${profile}`];
    expect(run(engine, flags, ["mkdir", "/x"]).stderr).toContain("No space left on device");
    expect(run(engine, flags, ["sh", "-c", "kill -USR1 $$"]).stderr).toContain("Permission denied");
    expect(shell(engine, flags, "trap 'echo got' USR2; kill -USR2 $$; true")).toBe("got");
  });

  test("a profile that is none is refused", () => {
    const profile = join(engine.directory, "bad.json");
    writeFileSync(profile, '{"defaultAction": "NOSUCH"}');
    expect(run(engine, [`--security-opt=seccomp=${profile}`], ["true"]).code).not.toBe(0);
  });
});
