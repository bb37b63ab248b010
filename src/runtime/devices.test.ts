import { expect, test } from "bun:test";
import { CWD, printProgram, ProgramBuilder } from "../kernel/mod.ts";
import { defaultDevices, deviceNumber, makeDev, makeTerminalPair, type HostIds } from "./devices.ts";
import type { SpecDevice, SpecProcess } from "./spec.ts";

const same: HostIds = { uid: (id) => id, gid: (id) => id };
const shifted: HostIds = { uid: (id) => id + 0x70000000, gid: (id) => id + 0x70000000 };

function dev(devices: readonly SpecDevice[], ids: HostIds = same): string {
  const b = new ProgramBuilder();
  const mount = {
    destination: "/dev",
    type: "tmpfs",
    options: ["nosuid", "mode=755", "size=65536k", "uid=5"],
  };
  makeDev(b, mount, devices, ids, b.slot("context"), b.slot("dev"));
  return printProgram(b.build());
}

test("device numbers are the C library's makedev", () => {
  expect(deviceNumber(1, 3)).toBe(0x103);
  expect(deviceNumber(8, 300)).toBe(0x10082c);
  expect(deviceNumber(136, 0)).toBe(0x8800);
});

test("the devices that every container has, and the links beside them", () => {
  const text = dev(defaultDevices);
  expect(text).toContain('mknodat(<dev>, "null", S_IFCHR|0666, makedev(1, 3))');
  for (const name of ["null", "zero", "full", "random", "urandom", "tty"])
    expect(text).toContain(`"${name}", S_IFCHR`);
  expect(text).toContain('symlinkat("/proc/self/fd", <dev>, "fd")');
  expect(text).toContain('symlinkat("pts/ptmx", <dev>, "ptmx")');
  expect(text).not.toContain("fchownat");
});

test("root of the container owns it, whatever the mount's options say", () => {
  const text = dev(defaultDevices, shifted);
  expect(text).toContain('"uid", "1879048192"');
  expect(text).not.toContain('"uid", "5"');
  expect(text).toContain('"size", "65536k"');
  expect(text).toContain('fchownat(<dev>, "null", 1879048192, 1879048192, 0)');
});

test("folders are made once; what isn't below /dev is left out", () => {
  const text = dev([
    { type: "b", path: "/dev/disk/by/a", major: 8, minor: 1, fileMode: 0o600, uid: 3, gid: 4 },
    { type: "p", path: "/dev/disk/by/b", major: 0, minor: 0 },
    { type: "c", path: "/srv/x", major: 1, minor: 3 },
    { type: "c", path: "/dev", major: 1, minor: 3 },
  ]);
  expect(text.match(/mkdirat\(<dev>, "[^"]+"/g)).toEqual([
    'mkdirat(<dev>, "disk"',
    'mkdirat(<dev>, "disk/by"',
  ]);
  expect(text).toContain('mknodat(<dev>, "disk/by/a", S_IFBLK|0600, makedev(8, 1))');
  expect(text).toContain('fchownat(<dev>, "disk/by/a", 3, 4, 0)');
  expect(text).toContain('mknodat(<dev>, "disk/by/b", S_IFIFO|0666');
  expect(text.match(/mknodat/g)).toHaveLength(2);
});

test("a terminal is only taken from a devpts, and gets a size if there is one", () => {
  const pair = (size: SpecProcess["consoleSize"]): string => {
    const b = new ProgramBuilder();
    makeTerminalPair(b, CWD, "/dev/pts/ptmx", { master: b.slot("master"), slave: b.slot("slave") }, size);
    return printProgram(b.build());
  };
  const text = pair({ height: 40, width: 120 });
  expect(text.indexOf("DEVPTS_SUPER_MAGIC, EXDEV")).toBeLessThan(text.indexOf("TIOCGPTPEER"));
  expect(text).toContain("ioctl(<master>, TIOCSWINSZ, {ws_row=40, ws_col=120})");
  expect(pair({ height: 0, width: 0 })).not.toContain("TIOCSWINSZ");
  expect(pair(undefined)).not.toContain("TIOCSWINSZ");
});
