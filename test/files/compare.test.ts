/**
 * The same copies by docker's command line on dockerd, by docker's on this engine, and by caisson's: what is there
 * afterwards, and what was said, is the same.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noPeer, Peer } from "../support/peer.ts";
import { dockerPath, noDocker } from "../support/docker.ts";
import { caisson, ended, TestEngine, type Answer, type Ended } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
let peer: Peer | undefined;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  if (noPeer !== undefined || noDocker !== undefined) return;
  peer = await Peer.start("--bridge=none", "--iptables=false", "--ip6tables=false");
  await importBusybox(peer);
}, 120_000);
afterAll(async () => {
  await peer?.[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

/** A command line on an engine. */
interface Side {
  readonly socket: string;
  readonly program: string;
}

const run = ({ socket, program }: Side, args: readonly string[], input?: Uint8Array): Ended =>
  ended(
    spawnSync(program, args, {
      cwd: "/",
      env: { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: "/nonexistent" },
      ...(input === undefined ? {} : { input }),
    }),
  );

const listing = (folder: string): string =>
  spawnSync(
    "sh",
    ["-c", `cd ${folder} && find . -printf '%p %y %m %s %l\\n' | sed 's/ [0-9]* $/ /' | sort`],
    {
      encoding: "utf8",
    },
  ).stdout;

/** Copies, `LOCAL` is a folder of this host and `CTR` a container. */
const copies: readonly (readonly string[])[] = [
  ["LOCAL/file", "CTR:/tmp/renamed"],
  ["LOCAL/file", "CTR:/tmp"],
  ["LOCAL/file", "CTR:/tmp/"],
  ["LOCAL/file", "CTR:tmp/relative"],
  ["LOCAL/file", "CTR:/tmp/none/"],
  ["LOCAL/file", "CTR:/no/such/place"],
  ["LOCAL/file", "CTR:/tmp/renamed/x"],
  ["LOCAL/dir", "CTR:/tmp"],
  ["LOCAL/dir", "CTR:/tmp/new"],
  ["LOCAL/dir/", "CTR:/tmp/slash"],
  ["LOCAL/dir/.", "CTR:/tmp/dot"],
  ["LOCAL/dir/.", "CTR:/tmp/new"],
  ["LOCAL/dir", "CTR:/tmp/renamed"],
  ["LOCAL/link", "CTR:/tmp/aslink"],
  ["-L", "LOCAL/link", "CTR:/tmp/asfile"],
  ["-L", "LOCAL/link", "CTR:/tmp/"],
  ["LOCAL/dirlink", "CTR:/tmp/dirlink"],
  ["LOCAL/dirlink/", "CTR:/tmp/"],
  ["-L", "LOCAL/dirlink", "CTR:/tmp/followed"],
  ["LOCAL/file", "CTR:/tmp/aslink"],
  ["LOCAL/nope", "CTR:/tmp"],
  ["LOCAL/file", "absent:/tmp"],
  ["LOCAL/special", "CTR:/tmp"],
  ["-a", "LOCAL/dir", "CTR:/tmp/archive"],
  ["CTR:/tmp/dir", "LOCAL/out"],
  ["CTR:/tmp/dir", "LOCAL/out/renamed"],
  ["CTR:/tmp/dir/.", "LOCAL/out/content"],
  ["CTR:/tmp/dir/", "LOCAL/out/slash"],
  ["CTR:/etc/passwd", "LOCAL/out/"],
  ["CTR:/etc/passwd", "LOCAL/out/users"],
  ["CTR:/etc/passwd", "LOCAL/none/x"],
  ["CTR:/etc/passwd", "LOCAL/out/none/"],
  ["CTR:/nope", "LOCAL/out"],
  ["CTR:/tmp/dir", "LOCAL/out/users"],
  ["CTR:/tmp/special", "LOCAL/out"],
  ["CTR:/bin/sh", "LOCAL/out/shell"],
  ["-L", "CTR:/tmp/dirlink", "LOCAL/out/followed"],
  ["CTR:/tmp/dirlink/", "LOCAL/out"],
];

/** What all copies came to: codes, texts, and both sides' files. */
function transcript(side: Side): string[] {
  const local = mkdtempSync(join(tmpdir(), "caisson-copies."));
  try {
    mkdirSync(join(local, "dir/sub"), { recursive: true });
    mkdirSync(join(local, "out"));
    mkdirSync(join(local, "special"), { mode: 0o700 });
    writeFileSync(join(local, "file"), "content");
    writeFileSync(join(local, "dir/sub/file"), "deep", { mode: 0o600 });
    writeFileSync(join(local, "dir/b"), "b");
    symlinkSync("file", join(local, "link"));
    symlinkSync("dir", join(local, "dirlink"));
    symlinkSync("/nowhere", join(local, "special/broken"));
    writeFileSync(join(local, "special/héé $1"), "name");
    spawnSync("sh", ["-c", `cd ${local}/special; mkfifo p; ln 'héé $1' hard; chmod 6755 hard; chmod 1777 .`]);
    const id = run(side, ["run", "-d", "--net=none", "busybox", "sleep", "1000"]).stdout.trim();
    const lines: string[] = [];
    for (const words of copies) {
      const args = words.map((word) => word.replace("LOCAL", local).replace("CTR", id));
      const { code, stdout, stderr } = run(side, ["cp", ...args]);
      const said = `${stdout}${withoutLog(stderr)}`.replaceAll(local, "LOCAL").replaceAll(id, "CTR").trim();
      lines.push(`${words.join(" ")}: ${code} ${said}`);
    }
    const script = "cd /tmp; find . -exec stat -c '%n %F %a %u:%g %N' {} + | sort";
    lines.push(run(side, ["exec", id, "sh", "-c", script]).stdout, listing(join(local, "out")));
    run(side, ["rm", "-f", id]);
    return lines;
  } finally {
    rmSync(local, { recursive: true, force: true });
  }
}

testUnless(noDocker)("caisson's cp does what docker's does", () => {
  const theirs = transcript({ socket: engine.socket, program: dockerPath ?? "" });
  expect(transcript({ socket: engine.socket, program: caisson })).toEqual(theirs);
});

testUnless(noDocker ?? noPeer)("docker cp does here what it does on dockerd", () => {
  const theirs = transcript({ socket: peer?.socket ?? "", program: dockerPath ?? "" });
  expect(transcript({ socket: engine.socket, program: dockerPath ?? "" })).toEqual(theirs);
});

/** What docker's library logs of the archive that it gave up, at times, is nothing that it says. */
function withoutLog(text: string): string {
  return text.replaceAll(/^time=".*\n/gm, "");
}

/** Status and body of the answer, both engines' one after the other. */
async function both(ask: (request: TestEngine["request"]) => Promise<Answer>): Promise<[string, string]> {
  const text = async (request: TestEngine["request"]): Promise<string> => {
    const { status, body } = await ask(request);
    return `${status} ${body.toString()}`;
  };
  const theirs = await text(
    (...given) => peer?.request(...given) ?? Promise.reject(new TypeError("no peer")),
  );
  return [await text((...given) => engine.request(...given)), theirs];
}

testUnless(noDocker ?? noPeer)("what is refused is refused in dockerd's words", async () => {
  for (const { socket } of [engine, peer].filter((one) => one !== undefined)) {
    const docker = { socket, program: dockerPath ?? "" };
    run(docker, [
      "create",
      "--net=none",
      "--name=words",
      "--read-only",
      "-v",
      "/tmp:/ro:ro",
      "-v",
      "/v",
      "busybox",
    ]);
  }
  const at = "/containers/words/archive";
  for (const path of ["/nope", "/etc/passwd/x", "/etc/passwd/", "", "/etc/passwd/."]) {
    const [ours, theirs] = await both((request) => request("GET", `${at}?path=${path}`));
    // A file where a folder should be is the client's fault, with us.
    const wanted = theirs.replace(/^500 (?=.*: not a directory)/, "400 ");
    if (!theirs.startsWith("200")) expect([path, ours]).toEqual([path, wanted]);
  }
  for (const path of ["/", "/ro", "/v/none", "/etc/passwd", "/nope", ""]) {
    const [ours, theirs] = await both((request) =>
      request("PUT", `${at}?path=${path}`, new Uint8Array(1024)),
    );
    expect([path, ours]).toEqual([path, theirs]);
  }
  for (const query of [
    "container=nope",
    "container=",
    "container=words&repo=UP",
    "container=words&repo=a&tag=b@c",
  ]) {
    const [ours, theirs] = await both((request) => request("POST", `/commit?${query}`, {}));
    expect([query, ours]).toEqual([query, theirs]);
  }
  for (const path of ["changes", "export"]) {
    const [ours, theirs] = await both((request) => request("GET", `/containers/nope/${path}`));
    expect([path, ours]).toEqual([path, theirs]);
  }
});

testUnless(noDocker ?? noPeer)("diff says what dockerd's says", () => {
  const script = `rm /etc/group; echo a >/etc/passwd; mkdir -p /n/m; touch /n/m/o; rm -r /var; mkdir /var
    touch /var/q; chmod 700 /root; mknod /tmp/fifo p; rm /bin/vi; ln /etc/passwd /etc/second; chown 5 /tmp
    mv /bin/tar /bin/rat; touch /bin/cat; mkdir /dev/new /proc-new; touch -h /bin/ls`;
  const diff = (socket: string): string[] => {
    const side = { socket, program: dockerPath ?? "" };
    const flags = ["--net=none", "--name=changed", "-v", "/made/vol"];
    run(side, ["run", ...flags, "busybox", "sh", "-c", script]);
    return run(side, ["diff", "changed"]).stdout.trim().split("\n").toSorted();
  };
  expect(diff(engine.socket)).toEqual(diff(peer?.socket ?? ""));
});

testUnless(noDocker ?? noPeer)("a committed image can be loaded by dockerd, and runs there", () => {
  const ours = { socket: engine.socket, program: dockerPath ?? "" };
  const theirs = { socket: peer?.socket ?? "", program: dockerPath ?? "" };
  const script = `echo content >/made; chown 5:6 /made; rm /etc/group; rm -r /var; mkdir /var; touch /var/new`;
  run(ours, ["run", "--net=none", "--name=source", "busybox", "sh", "-c", script]);
  const check = "cat /made; stat -c %u:%g /made; ls /var; ls /etc/group; echo $A";
  expect(
    run(ours, ["commit", "-c", `CMD ["sh","-c","${check}"]`, "-c", "ENV A=b", "source", "moved"]).code,
  ).toBe(0);
  const archive = join(engine.directory, "moved.tar");
  expect(run(ours, ["save", "-o", archive, "moved"]).code).toBe(0);
  expect(run(theirs, ["load", "-i", archive]).code).toBe(0);
  const here = run(ours, ["run", "--rm", "--net=none", "moved"]);
  expect(run(theirs, ["run", "--rm", "--net=none", "moved"])).toEqual(here);
  expect(here.stdout).toBe("content\n5:6\nnew\nb\n");
});
