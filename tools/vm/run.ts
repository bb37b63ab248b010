/**
 * `make vm-test`: tests in a virtual machine, for what only another kernel than the developer's can show. Boots Debian 12
 * with its own kernel, then with Debian's newest, and runs tests of test/ inside, as tools/run-tests.ts does. The last
 * line is `N passed, N failed, N skipped`; the exit code says the same.
 *
 * `bun tools/vm/run.ts [--kernel=debian|newest] [FOLDER|FILE…]` runs these alone. The machine has no network. Its console
 * is kept in the cache folder when something failed.
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { dockerPath } from "../../test/support/docker.ts";
import { closingLine, emptyReport, readSummary, sum, withExit, type TestReport } from "../test-report.ts";

const root = join(import.meta.dir, "../..");
const cache = process.env["CAISSON_VM"] ?? "/var/tmp/caisson-vm";
/** For one boot with its tests, in ms: whatever hangs longer is killed. Emulated, everything takes ten times as long. */
const deadline = 45 * 60_000;

const kernels = ["debian", "newest"] as const;
type Kernel = (typeof kernels)[number];

/** What runs where, unless the command line says: what a kernel or an init decides, for time is short when it is emulated. */
const plan: Readonly<Record<Kernel, readonly string[]>> = {
  debian: [
    "test/vm",
    "test/smoke.test.ts",
    "test/engine/isolation.test.ts",
    "test/engine/exec.test.ts",
    "test/faults/errors.test.ts",
    "test/storage/layers.test.ts",
  ],
  newest: ["test/vm", "test/smoke.test.ts"],
};

/** Packages that the executable is made of, and those that tests need; not what lints, nor clients of Docker. */
const packages = ["bun", ".bin/bun", "path-to-regexp", "typebox", "yaml", "fast-check", "pure-rand"];
/** Parts of the repository that tests in the machine need. */
const parts = [
  "dist/caisson",
  "native",
  ...packages.map((name) => `node_modules/${name}`),
  "package.json",
  "packaging",
  "src",
  "test",
  "tools",
  "tsconfig.json",
];

function must(command: string, args: readonly string[]): string {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
  return stdout.trim();
}

/** The repository as a disk that the machine mounts read-only at /work. */
function makeDisk(run: string): string {
  const tree = join(run, "tree");
  const disk = join(run, "work.ext4");
  mkdirSync(tree);
  must("cp", ["-a", "--parents", ...parts, tree]);
  // A compiled program is quicker here than caisson's own command line, whose JavaScript is emulated.
  if (dockerPath !== undefined) {
    mkdirSync(join(tree, "peers/usr/bin"), { recursive: true });
    copyFileSync(dockerPath, join(tree, "peers/usr/bin/docker"));
  }
  must("mke2fs", ["-q", "-t", "ext4", "-O", "^has_journal", "-d", tree, disk, "1G"]);
  rmSync(tree, { recursive: true });
  return disk;
}

interface Machine {
  readonly image: string;
  readonly run: string;
  readonly disk: string;
}

function qemu({ image, run, disk }: Machine, kernel: Kernel, tests: readonly string[]): string[] {
  const commandLine = `console=ttyS0 panic=-1 rw systemd.show_status=false caisson.tests=${tests.join(",")}`;
  const drive = (file: string, more: string): string => `file=${file},format=raw,if=virtio,${more}`;
  // Not KVM because it is there: inside of another virtual machine it may not get a kernel as far as its first line.
  const accelerator = process.env["CAISSON_VM_ACCELERATOR"] ?? "tcg,thread=multi";
  const fixed = "-nodefaults -no-user-config -display none -no-reboot -nic none -cpu max -smp 2 -m 2G";
  return [
    "qemu-system-x86_64",
    ...fixed.split(" "),
    "-accel",
    accelerator,
    "-kernel",
    join(image, kernel, "vmlinuz"),
    "-initrd",
    join(image, kernel, "initrd"),
    "-append",
    commandLine,
    "-drive",
    // What the machine writes to its root goes to a file without a name in TMPDIR.
    drive(join(image, "root.ext4"), "snapshot=on"),
    "-drive",
    drive(disk, "readonly=on"),
    "-serial",
    `file:${join(run, "console")}`,
    "-serial",
    "stdio",
  ];
}

/** Boots and runs `tests`; everything that the machine says is passed on. */
async function boot(machine: Machine, kernel: Kernel, tests: readonly string[]): Promise<TestReport> {
  console.log(`== Debian 12 with the kernel ${kernel}: ${tests.join(" ")}`);
  // qemu ends with this process, however this ends.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...qemu(machine, kernel, tests)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: machine.run },
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk.replaceAll("\r", "");
    process.stdout.write(chunk.replaceAll("\r", ""));
  });
  const timer = setTimeout(() => {
    console.error(`the machine is not done after ${deadline / 60_000} minutes, killed`);
    child.kill("SIGKILL");
  }, deadline);
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  const report = readSummary(said);
  if (report === undefined) console.error("the machine ended without the tests' last line");
  return withExit(
    report ?? emptyReport,
    `the machine with the kernel ${kernel}`,
    report !== undefined && status === 0,
  );
}

function keepConsole(run: string, kernel: Kernel): void {
  const kept = join(cache, `console-${kernel}.log`);
  if (existsSync(join(run, "console"))) copyFileSync(join(run, "console"), kept);
  console.error(`the machine's console: ${kept}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { kernel: { type: "string" } },
    allowPositionals: true,
  });
  const chosen = kernels.filter((name) => values.kernel === undefined || values.kernel === name);
  if (chosen.length === 0) {
    console.error(`--kernel is one of ${kernels.join(", ")}`);
    return 2;
  }
  const image = must(join(import.meta.dir, "image.sh"), []);
  const run = mkdtempSync(join(cache, "run."));
  process.on("exit", () => rmSync(run, { recursive: true, force: true }));
  const machine = { image, run, disk: makeDisk(run) };
  const reports: TestReport[] = [];
  for (const kernel of chosen) {
    const report = await boot(machine, kernel, positionals.length > 0 ? positionals : plan[kernel]);
    if (report.failed.length > 0) keepConsole(run, kernel);
    reports.push({ ...report, failed: report.failed.map((name) => `with the kernel ${kernel}: ${name}`) });
  }
  const total = sum(reports);
  for (const name of total.failed) console.log(`failed: ${name}`);
  console.log(closingLine(total));
  return total.failed.length > 0 || total.passed === 0 ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();
