/**
 * A person at a container: `run -i`, `run -it`, `attach`, `logs -f`, by pipes and at a terminal.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { command, eventually, inspect, must, removeAll, start } from "../support/containers.ts";
import { dockerEnvironment, dockerPath } from "../support/docker.ts";
import { caisson, TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { TerminalSession } from "../support/terminal.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const pipes = (args: readonly string[], input?: string | Uint8Array): ReturnType<typeof command> =>
  command(engine, ["run", "--rm", "--net=none", ...args], input);

describe("run by pipes", () => {
  test("-i: what comes in goes out, and its end is the process's end of input", () => {
    expect(pipes(["-i", "busybox", "cat"], "one\ntwo")).toEqual({ code: 0, stdout: "one\ntwo", stderr: "" });
  });

  test("-i: the process may go on after its input has ended", () => {
    const { stdout } = pipes(["-i", "busybox", "sh", "-c", "cat >/dev/null; sleep 0.3; echo after"], "input");
    expect(stdout).toBe("after\n");
  });

  test("-i: bytes of every value, in order", () => {
    const input = Buffer.alloc(8_000_000);
    for (let i = 0; i < input.length; i++) input[i] = (i * 7 + (i >> 8)) & 0xff;
    const sum = new Bun.CryptoHasher("md5").update(input).digest("hex");
    expect(pipes(["-i", "busybox", "md5sum"], input).stdout).toBe(`${sum}  -\n`);
    const { stdout } = pipes(["-i", "busybox", "sh", "-c", "cat | tee /dev/stderr | md5sum"], input);
    expect(stdout).toBe(`${sum}  -\n`);
  });

  test("without -i stdin is /dev/null", () => {
    expect(pipes(["busybox", "sh", "-c", "cat; readlink /proc/self/fd/0"], "not read").stdout).toBe(
      "/dev/null\n",
    );
  });

  test("stdout and stderr stay apart, or are left out", () => {
    const both = ["busybox", "sh", "-c", "echo out; echo err >&2"];
    expect(pipes(both)).toEqual({ code: 0, stdout: "out\n", stderr: "err\n" });
    expect(pipes(["-a", "stderr", ...both])).toEqual({ code: 0, stdout: "", stderr: "err\n" });
  });

  test("a client's signal is passed on", async () => {
    const client = spawn(
      dockerPath ?? caisson,
      [
        "run",
        "--rm",
        "--net=none",
        "--name=proxied",
        "busybox",
        "sh",
        "-c",
        "trap 'exit 8' INT; echo go; while :; do sleep 0.05; done",
      ],
      { env: dockerEnvironment(engine), stdio: ["ignore", "pipe", "inherit"] },
    );
    await new Promise((resolve) => client.stdout.once("data", resolve));
    const code = new Promise((resolve) => client.once("exit", resolve));
    client.kill("SIGINT");
    expect(await code).toBe(8);
  });
});

test("a client that closes its half still gets the rest", async () => {
  const id = must(engine, [
    "create",
    "-i",
    "--net=none",
    "busybox",
    "sh",
    "-c",
    "wc -c; sleep 0.2; echo end",
  ]);
  const socket = connect({ path: engine.socket, allowHalfOpen: true });
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  const closed = new Promise((resolve) => socket.once("end", resolve));
  socket.write(
    `POST /v1.51/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n`,
  );
  await eventually("an answer", () => Buffer.concat(received).includes("\r\n\r\n"));
  expect(Buffer.concat(received).toString("latin1")).toStartWith("HTTP/1.1 101 UPGRADED\r\n");
  await engine.request("POST", `/containers/${id}/start`);
  socket.end("123456789");
  await closed;
  const all = Buffer.concat(received);
  const frames = all.subarray(all.indexOf("\r\n\r\n") + 4);
  expect(frames.toString("latin1")).toBe("\x01\0\0\0\0\0\0\x029\n\x01\0\0\0\0\0\0\x04end\n");
});

describe("run at a terminal", () => {
  test("has the person's terminal: its name, its size, and its changes", async () => {
    await using session = TerminalSession.open(engine, ["run", "--rm", "-it", "--net=none", "busybox"]);
    await session.expect(/# /);
    session.type("tty; stty size; echo $TERM\n");
    await session.expect(/\/dev\/(console|pts\/0)\r\n24 80\r\nxterm\r\n/);
    await session.resizeUntil(50, 100, "stty size");
    session.type("exit 6\n");
    expect(await session.ended()).toBe(6);
  });

  test("ctrl-c goes to the foreground process, not to the client", async () => {
    await using session = TerminalSession.open(engine, ["run", "--rm", "-it", "--net=none", "busybox"]);
    await session.expect(/# /);
    session.type("sleep 100\n");
    await session.expect(/sleep 100\r\n/);
    await Bun.sleep(200);
    session.type("\x03");
    await session.expect(/# /);
    session.type("echo code $?\n");
    await session.expect(/code 130\r\n/);
    session.type("\x04");
    expect(await session.ended()).toBe(0);
  });

  test("is left by ctrl-p ctrl-q, and attached to again", async () => {
    await using session = TerminalSession.open(engine, [
      "run",
      "-it",
      "--name=left",
      "--net=none",
      "busybox",
    ]);
    await session.expect(/# /);
    session.type("KEEP=me\n");
    await session.expect(/# /);
    session.type("\x10\x11");
    expect(await session.ended()).toBe(0);
    expect((await inspect(engine, "left")).State.Running).toBe(true);
    await using again = TerminalSession.open(engine, ["attach", "left"]);
    again.type("\n");
    await again.expect(/# /);
    again.type("echo kept $KEEP\n");
    await again.expect(/kept me\r\n/);
    again.type("exit 9\n");
    expect(await again.ended()).toBe(9);
  });

  test("is left by the keys that the person chose; ctrl-p alone reaches the process", async () => {
    const args = [
      "run",
      "-it",
      "--detach-keys=ctrl-a,x",
      "--name=keys",
      "--net=none",
      "busybox",
      "cat",
      "-v",
    ];
    await using session = TerminalSession.open(engine, args);
    session.type("\x10\x11hello\n");
    await session.expect(/\^P.*hello\r\n/);
    session.type("\x01x");
    expect(await session.ended()).toBe(0);
    expect((await inspect(engine, "keys")).State.Running).toBe(true);
  });

  test("two at the same container both see what is written", async () => {
    must(engine, ["run", "-dit", "--name=shared", "--net=none", "busybox"]);
    await using one = TerminalSession.open(engine, ["attach", "shared"]);
    await using two = TerminalSession.open(engine, ["attach", "shared"]);
    one.type("\n");
    await one.expect(/# /);
    await two.expect(/# /);
    two.type("echo both-$((40+2))\n");
    await one.expect(/both-42/);
    await two.expect(/both-42/);
  });
});

describe("attach", () => {
  test("shows what comes from now on, and the exit code", async () => {
    const id = start(
      engine,
      [],
      ["sh", "-c", "echo before; until [ -e /go ]; do sleep 0.05; done; echo after; exit 4"],
    );
    await eventually("the first line", () => must(engine, ["logs", id]) === "before");
    const client = spawn(dockerPath ?? caisson, ["attach", id], {
      env: dockerEnvironment(engine),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const chunks: Buffer[] = [];
    client.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const code = new Promise((resolve) => client.once("close", resolve));
    await Bun.sleep(700);
    must(engine, ["exec", id, "touch", "/go"]);
    expect(await code).toBe(4);
    expect(Buffer.concat(chunks).toString()).toBe("after\n");
  });

  test("to who is stopped or paused is refused", () => {
    const id = start(engine, []);
    must(engine, ["pause", id]);
    expect(command(engine, ["attach", id]).stderr).toMatch(
      /cannot attach to a paused container, unpause it first/,
    );
    must(engine, ["unpause", id]);
    must(engine, ["kill", id]);
    expect(command(engine, ["attach", id]).stderr).toMatch(
      /cannot attach to a stopped container, start it first/,
    );
  });

  test("a slow reader holds nobody up but itself", async () => {
    const id = must(engine, [
      "create",
      "--net=none",
      "busybox",
      "sh",
      "-c",
      "head -c 3000000 /dev/zero | tr '\\0' x; echo",
    ]);
    const slow = connect(engine.socket);
    slow.pause();
    slow.write(
      `POST /v1.51/containers/${id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n`,
    );
    await Bun.sleep(100);
    await engine.request("POST", `/containers/${id}/start`);
    expect((await engine.request("GET", "/_ping")).status).toBe(200);
    slow.destroy();
    expect(must(engine, ["wait", id])).toBe("0");
    expect(must(engine, ["logs", id]).length).toBe(3_000_000);
  });
});

describe("logs", () => {
  test("-f shows what comes until the end", async () => {
    const id = start(engine, [], ["sh", "-c", "for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done"]);
    expect(must(engine, ["logs", "-f", id])).toBe("line 1\nline 2\nline 3\nline 4\nline 5");
  });

  test("select by number, time and stream", async () => {
    const id = start(engine, [], ["sh", "-c", "echo a; echo b; echo c >&2; sleep 1.1; echo d"]);
    must(engine, ["wait", id]);
    expect(must(engine, ["logs", "--tail=1", id])).toBe("d");
    expect(must(engine, ["logs", "-n0", id])).toBe("");
    expect(command(engine, ["logs", id])).toEqual({ code: 0, stdout: "a\nb\nd\n", stderr: "c\n" });
    const stamped = must(engine, ["logs", "-t", id]).split("\n");
    expect(stamped[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a$/);
    const last = stamped.at(-1)?.split(" ")[0] ?? "";
    expect(must(engine, ["logs", `--since=${last}`, id])).toBe("d");
    expect(must(engine, ["logs", `--until=${(stamped[1] ?? "").split(" ")[0]}`, id])).toBe("a\nb");
  });

  test("rotate", async () => {
    const script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done";
    const id = start(engine, ["--log-opt=max-size=20k", "--log-opt=max-file=3"], ["sh", "-c", script]);
    must(engine, ["wait", id]);
    const lines = must(engine, ["logs", id]).split("\n");
    expect(lines.at(-1)).toBe("line 2999");
    expect(lines.length).toBeLessThan(3000);
    const first = 3000 - lines.length;
    expect(lines).toEqual(Array.from(lines, (_, n) => `line ${first + n}`));
  });

  test("are not there with the driver none", () => {
    const id = start(engine, ["--log-driver=none"], ["echo", "x"]);
    must(engine, ["wait", id]);
    const { code, stderr } = command(engine, ["logs", id]);
    expect(code).toBe(1);
    expect(stderr).toContain("configured logging driver does not support reading");
  });
});
