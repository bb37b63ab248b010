import { expect, test } from "bun:test";
import {
  attachMount,
  CWD,
  makeMount,
  mkdir,
  open,
  openInRoot,
  setMountAttributes,
  write,
  writeProc,
} from "./calls.ts";
import { flags, MOUNT_ATTR, MS, O } from "./flags.ts";
import { printCall } from "./print.ts";
import { ProgramBuilder, type Operation, type Slot } from "./program.ts";

/** The operations that `add` adds, with a slot at hand. */
function added(add: (b: ProgramBuilder, slot: Slot) => void): readonly Operation[] {
  const b = new ProgramBuilder();
  add(b, b.slot("root"));
  return b.build().operations;
}

const shown = (add: (b: ProgramBuilder, slot: Slot) => void): readonly string[] => added(add).map(printCall);

/** The numbers of a struct argument, 64 bits each. */
function numbers(operation: Operation | undefined): readonly bigint[] {
  const struct = operation?.args.find((one) => typeof one === "object" && one.kind === "struct");
  if (typeof struct !== "object" || struct.kind !== "struct") return [];
  const view = new DataView(struct.bytes.buffer);
  return Array.from({ length: struct.bytes.length / 8 }, (_, i) => view.getBigUint64(i * 8, true));
}

test("a mode is only given where a file may be made", () => {
  expect(shown((b, slot) => open(b, "", CWD, "/x", flags(O, "RDONLY"), slot))).toEqual([
    'openat(AT_FDCWD, "/x", O_RDONLY) = <root>',
  ]);
  expect(shown((b, slot) => open(b, "", slot, "x", flags(O, "CREAT"), slot, { mode: 0o600 }))).toEqual([
    'openat(<root>, "x", O_CREAT, 0600) = <root>',
  ]);
  expect(shown((b, slot) => mkdir(b, "", slot, "x", 0o755, { tolerate: ["EEXIST"] }))).toEqual([
    'mkdirat(<root>, "x", 0755) ?EEXIST',
  ]);
});

test("below a root the kernel itself keeps links inside: struct open_how", () => {
  const [operation] = added((b, slot) => openInRoot(b, "", slot, "etc", slot, { tolerate: ["ENOENT"] }));
  // flags O_PATH|O_CLOEXEC, mode, RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT (linux/openat2.h).
  expect(numbers(operation)).toEqual([0o12000000n, 0n, 0x12n]);
  expect(operation?.args.at(-1)).toBe(24);
  expect(operation?.tolerate).toEqual(["ENOENT"]);
});

test("mount attributes: struct mount_attr, its namespace patched in", () => {
  const user: Slot = { kind: "slot", index: 7, name: "user" };
  const [operation] = added((b, slot) =>
    setMountAttributes(b, "", slot, {
      set: flags(MOUNT_ATTR, "RDONLY"),
      clear: flags(MOUNT_ATTR, "NOEXEC"),
      propagation: flags(MS, "PRIVATE"),
      idmap: user,
      recursive: true,
    }),
  );
  expect(numbers(operation)).toEqual([0x100001n, 8n, 1n << 18n, 0n]);
  expect(operation === undefined ? "" : printCall(operation)).toBe(
    'mount_setattr(<root>, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY|MOUNT_ATTR_IDMAP, attr_clr=MOUNT_ATTR_NOEXEC, propagation=MS_PRIVATE, userns_fd=user}, 32)',
  );
  const struct = operation?.args[3];
  expect(typeof struct === "object" && struct.kind === "struct" && struct.patches).toEqual([
    { offset: 24, width: 8, value: user },
  ]);
});

test("a file system is opened, set up, made and closed", () => {
  const system = {
    type: "tmpfs",
    options: [["source", "x"], ["ro"]],
    attributes: flags(MOUNT_ATTR),
  } as const;
  expect(shown((b, slot) => makeMount(b, "m", system, b.slot("context"), slot))).toEqual([
    'fsopen("tmpfs", FSOPEN_CLOEXEC) = <context>',
    'fsconfig(<context>, FSCONFIG_SET_STRING, "source", "x", 0)',
    'fsconfig(<context>, FSCONFIG_SET_FLAG, "ro", 0, 0)',
    "fsconfig(<context>, FSCONFIG_CMD_CREATE, 0, 0, 0)",
    "fsmount(<context>, FSMOUNT_CLOEXEC, 0) = <root>",
    "close(<context>)",
  ]);
  expect(shown((b, slot) => attachMount(b, "", slot, b.slot("target")))).toEqual([
    'move_mount(<root>, "", <target>, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)',
  ]);
});

test("what is written to procfs is written to procfs and nothing else", () => {
  expect(shown((b) => writeProc(b, "", "/proc/self/uid_map", "0 0 1"))).toEqual([
    'write(AT_FDCWD, "/proc/self/uid_map", "0 0 1", O_WRONLY, 00, FS_MAGIC_PROC)',
  ]);
  expect(shown((b, slot) => write(b, "", slot, "x", "y", { how: flags(O, "CREAT"), mode: 0o644 }))).toEqual([
    'write(<root>, "x", "y", O_CREAT, 0644, any)',
  ]);
});
