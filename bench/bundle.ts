/**
 * The bare runtimes: an OCI bundle of the image, run by runc, crun and podman.
 * @module
 */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../src/errors/mod.ts";
import { peerEnvironment, peerProgram, sharedTools } from "./engines.ts";
import { contestant, type Contestant } from "./harness.ts";
import { imageTar, rootFileSystem } from "./image.ts";
import { nativeTool } from "./native-tools.ts";
import { output, type Scratch } from "./scratch.ts";

const podmanRoot = "/var/tmp/caisson-peers-root";

/**
 * `runc run` and `crun run` of the bundle that `runc spec` proposes (six namespaces, masked paths, capabilities). They
 * mount no overlay and load no seccomp filter, which is in their favour.
 */
export function runtimeContestant(scratch: Scratch, runtime: "runc" | "crun", count: number): Contestant {
  return contestant(`${runtime} run`, async () => {
    const program = peerProgram(runtime);
    const bundle = await makeBundle(scratch);
    const state = scratch.make(`${runtime}.state`);
    return stopwatchIn(scratch, count, [program, "--root", state, "run", "--bundle", bundle, "bench"]);
  });
}

/** The stopwatch in a mount namespace without the hybrid hierarchy of version 2, which crun refuses. */
async function stopwatchIn(scratch: Scratch, count: number, command: readonly string[]): Promise<number[]> {
  const script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
  const watch = [await nativeTool(scratch, "stopwatch"), String(count), ...command];
  const said = await output(["unshare", "--net", "--mount", "sh", "-c", script, "sh", ...watch], {
    env: peerEnvironment(),
  });
  return said.trim().split("\n").map(Number);
}

async function makeBundle(scratch: Scratch): Promise<string> {
  const bundle = scratch.make("bundle");
  const file = join(bundle, "config.json");
  if (existsSync(file)) return bundle;
  await output([peerProgram("runc"), "spec", "--bundle", bundle]);
  const spec = JSON.parse(readFileSync(file, "utf8")) as {
    process: object;
    linux: object;
  };
  writeFileSync(
    file,
    JSON.stringify({
      ...spec,
      process: { ...spec.process, args: ["/bin/true"], terminal: false },
      root: { path: await rootFileSystem(scratch), readonly: true },
      linux: { ...spec.linux, cgroupsPath: `/${scratch.name}/runtime` },
    }),
  );
  return bundle;
}

/**
 * `podman run --rm` in the root that `tools/peers root` makes; that takes minutes, so it is only made if the environment
 * says `BENCH_PODMAN=1`.
 */
export function podmanContestant(scratch: Scratch, count: number): Contestant {
  const peers = join(sharedTools, "peers");
  let ready: Promise<void> | undefined;
  const prepare = async (): Promise<void> => {
    if (!existsSync(join(podmanRoot, "usr/bin/podman"))) {
      if (process.env["BENCH_PODMAN"] !== "1" || !existsSync(peers))
        throw failure("internal", { message: `there is no ${podmanRoot} (BENCH_PODMAN=1 makes it)` });
      await output([peers, "root", podmanRoot]);
    }
    copyFileSync(await nativeTool(scratch, "stopwatch"), join(podmanRoot, "usr/local/bin/stopwatch"));
    copyFileSync(await imageTar(scratch), join(podmanRoot, "var/tmp/busybox.tar"));
    await output([peers, "enter", podmanRoot, "podman", "import", "/var/tmp/busybox.tar", "busybox"]);
  };
  return contestant("podman run", async () => {
    ready ??= prepare();
    await ready;
    const run = ["podman", "run", "--rm", "--net=none", "--cgroups=disabled", "busybox", "true"];
    const said = await output([peers, "enter", podmanRoot, "stopwatch", String(count), ...run]);
    return said.trim().split("\n").map(Number);
  });
}
