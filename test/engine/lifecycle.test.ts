/**
 * A container's life, as the docker CLI sees it: exit codes, names, stops, waits, restarts.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import {
  command,
  eventually,
  execute,
  inspect,
  must,
  pidOf,
  removeAll,
  run,
  shell,
  start,
} from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

async function statusOf(container: string): Promise<string> {
  return (await inspect(engine, container)).State.Status;
}

const exists = async (container: string): Promise<boolean> =>
  (await engine.request("GET", `/containers/${container}/json`)).status === 200;

/** Waits for a container's exit or removal. Resolves when the engine waits too, to what it answers at last. */
async function beginWait(id: string, condition: string): Promise<{ readonly answer: Promise<unknown> }> {
  const path = `/containers/${id}/wait?condition=${condition}`;
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: engine.socket, path, method: "POST", agent: false }, (response) =>
      resolve({ answer: response.toArray().then((chunks) => JSON.parse(Buffer.concat(chunks).toString())) }),
    );
    outgoing.on("error", reject).end();
  });
}

describe("exit codes", () => {
  test.each([
    ["the process's own", ["sh", "-c", "exit 42"], 42, ""],
    [
      "of a command that is not in PATH",
      ["nosuch"],
      127,
      'exec: "nosuch": executable file not found in $PATH',
    ],
    [
      "of a path that is not there",
      ["/nosuch/x"],
      127,
      'exec: "/nosuch/x": stat /nosuch/x: no such file or directory',
    ],
    ["of a directory", ["/etc"], 126, 'exec: "/etc": '],
    ["of a file without its x bit", ["/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied'],
  ])("%s", async (_, args, code, text) => {
    const result = run(engine, ["--name=coded"], args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(text);
    expect(await exists("coded")).toBe(false);
  });

  test("125 for what the engine refuses", () => {
    const unknown = run(engine, ["--user=nosuch"], ["true"]);
    expect(unknown.code).toBe(125);
    expect(unknown.stderr).toContain("unable to find user nosuch: no matching entries in passwd file");
  });

  test("128 and the signal's number for who is killed", async () => {
    const id = start(engine, []);
    must(engine, ["kill", id]);
    expect(must(engine, ["wait", id])).toBe("137");
    const handled = start(engine, [], ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"]);
    await eventually("a trap", () =>
      execute(engine, handled, "grep -q '^SigCgt:.*4' /proc/1/status && echo y"),
    );
    must(engine, ["kill", "--signal=TERM", handled]);
    expect(must(engine, ["wait", handled])).toBe("7");
  });

  test("a start that fails is kept in inspect", async () => {
    must(engine, ["create", "--net=none", "--name=broken", "busybox", "nosuch"]);
    const { code, stderr } = command(engine, ["start", "broken"]);
    expect(code).toBe(1);
    expect(stderr).toContain("executable file not found in $PATH");
    const { State } = await inspect(engine, "broken");
    expect(State).toMatchObject({ Status: "created", Running: false, ExitCode: 127, Pid: 0 });
    expect(State.Error).toContain("executable file not found in $PATH");
  });
});

describe("removal", () => {
  test("--rm removes when the process has ended, also without a client", async () => {
    const id = start(
      engine,
      ["--rm"],
      ["sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done"],
    );
    await eventually("its trap", () => must(engine, ["logs", id]).includes("ready"));
    expect(await exists(id)).toBe(true);
    const removed = await beginWait(id, "removed");
    process.kill(await pidOf(engine, id), "SIGTERM");
    expect(await removed.answer).toMatchObject({ StatusCode: 3 });
    expect(await exists(id)).toBe(false);
  });

  test("--rm removes after a start that failed", async () => {
    expect(run(engine, ["--name=gone"], ["nosuch"]).code).toBe(127);
    expect(await exists("gone")).toBe(false);
  });

  test("a running container is removed by force alone", async () => {
    const id = start(engine, ["--name=busy"]);
    const refused = command(engine, ["rm", "busy"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      'cannot remove container "busy": container is running: stop the container before removing or force remove',
    );
    const pid = await pidOf(engine, id);
    must(engine, ["rm", "-f", "busy"]);
    expect(() => readFileSync(`/proc/${pid}/stat`)).toThrow();
    expect(command(engine, ["rm", "busy"]).stderr).toContain("No such container: busy");
  });

  test("a paused container is removed by force", () => {
    const id = start(engine, []);
    must(engine, ["pause", id]);
    must(engine, ["rm", "-f", id]);
    expect(must(engine, ["ps", "-aq"])).toBe("");
  });

  test("prune removes who is stopped", async () => {
    const running = start(engine, ["--name=running"]);
    must(engine, ["create", "--net=none", "--name=never", "busybox"]);
    const pruned = must(engine, ["container", "prune", "-f"]);
    expect(pruned).toContain("Deleted Containers:");
    expect(must(engine, ["ps", "-aq", "--no-trunc"])).toBe(running);
  });
});

describe("names", () => {
  test("are unique, and free again after removal", () => {
    const id = start(engine, ["--name=one"]);
    const second = command(engine, ["create", "--net=none", "--name=one", "busybox"]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(
      `Conflict. The container name "/one" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
    must(engine, ["rm", "-f", "one"]);
    must(engine, ["create", "--net=none", "--name=one", "busybox"]);
  });

  test("change while a container runs", async () => {
    const id = start(engine, ["--name=before"]);
    must(engine, ["rename", "before", "after"]);
    expect((await inspect(engine, id)).Name).toBe("/after");
    expect(command(engine, ["inspect", "--type=container", "before"]).code).toBe(1);
    start(engine, ["--name=before"]);
    const taken = command(engine, ["rename", "after", "before"]);
    expect(taken.stderr).toContain('The container name "/before" is already in use');
    expect(execute(engine, "after", "echo still here")).toBe("still here");
  });

  test("are of letters, digits and a few signs", () => {
    const { code, stderr } = command(engine, ["create", "--net=none", "--name=a/b", "busybox"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Invalid container name (a/b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
  });

  test("ids may be short, but must not be ambiguous", async () => {
    const ids = Array.from({ length: 18 }, () => must(engine, ["create", "--net=none", "busybox"]));
    const first = ids[0] ?? "";
    expect((await inspect(engine, first.slice(0, 12))).Id).toBe(first);
    const groups = Map.groupBy(ids, (id) => id[0] ?? "");
    const [prefix = ""] = [...groups].find(([, members]) => members.length > 1) ?? [];
    const { code, stderr } = command(engine, ["start", prefix]);
    expect(code).toBe(1);
    expect(stderr).toContain(`multiple IDs found with provided prefix: ${prefix}`);
  });

  test("are made up where none is given", async () => {
    const id = must(engine, ["create", "--net=none", "busybox"]);
    expect((await inspect(engine, id)).Name).toMatch(/^\/[a-z]+_[a-z]+$/);
  });

  test.each(["start", "stop", "wait", "logs", "exec", "attach", "top", "pause", "restart", "rm"])(
    "%s says that there is no such container",
    (verb) => {
      const { code, stderr } = command(engine, [verb, "nobody", ...(verb === "exec" ? ["true"] : [])]);
      expect(code).toBe(1);
      expect(stderr).toContain("No such container: nobody");
    },
  );
});

describe("stopping", () => {
  const stubborn = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"];
  const ready = (id: string): Promise<unknown> =>
    eventually("a container that is ready", () => must(engine, ["logs", id]).includes("ready"));

  test("gives the process its time, then kills it", async () => {
    const id = start(engine, [], stubborn);
    await ready(id);
    const from = Date.now();
    must(engine, ["stop", "-t", "1", id]);
    expect(Date.now() - from).toBeGreaterThan(900);
    expect((await inspect(engine, id)).State).toMatchObject({ Status: "exited", ExitCode: 137 });
  });

  test("sends the container's own stop signal", async () => {
    const id = start(
      engine,
      ["--stop-signal=USR1"],
      ["sh", "-c", "trap 'exit 10' USR1; echo ready; while :; do sleep 0.05; done"],
    );
    await ready(id);
    must(engine, ["stop", id]);
    expect((await inspect(engine, id)).State.ExitCode).toBe(10);
  });

  test("takes the signal and the time that the client says", async () => {
    const id = start(
      engine,
      ["--stop-timeout=100"],
      ["sh", "-c", "trap '' TERM; trap 'exit 12' USR2; echo ready; while :; do sleep 0.05; done"],
    );
    await ready(id);
    must(engine, ["stop", "--signal=USR2", id]);
    expect((await inspect(engine, id)).State.ExitCode).toBe(12);
  });

  test("of who is stopped changes nothing", async () => {
    const id = start(engine, [], ["true"]);
    must(engine, ["wait", id]);
    expect((await engine.request("POST", `/containers/${id}/stop`)).status).toBe(304);
    const killed = command(engine, ["kill", id]);
    expect(killed.code).toBe(1);
    expect(killed.stderr).toContain(`cannot kill container: ${id}: container ${id} is not running`);
  });

  test("knows signals by name and number, and says which it doesn't know", () => {
    const id = start(engine, []);
    for (const signal of ["0", "NOSUCH"]) {
      const { stderr } = command(engine, ["kill", "-s", signal, id]);
      expect(stderr).toContain(`cannot kill container: ${id}: invalid signal: ${signal}`);
    }
    must(engine, ["kill", "-s", "SIGRTMIN+3", id]);
    must(engine, ["kill", "-s", "9", id]);
    expect(must(engine, ["wait", id])).toBe("137");
  });

  test("ends every process of the container", async () => {
    const id = start(engine, [], ["sh", "-c", "sleep 4242 & sleep 4242 & exec sleep 4242"]);
    await eventually("three processes", () => must(engine, ["top", id]).split("sleep 4242").length === 4);
    must(engine, ["kill", id]);
    must(engine, ["wait", id]);
    expect(execSleepers()).toBe(0);
  });

  function execSleepers(): number {
    const { stdout } = Bun.spawnSync(["pgrep", "-fc", "^sleep 4242$"]);
    return Number(stdout.toString());
  }
});

describe("starting again", () => {
  test("keeps the files, counts no restarts, and logs on", async () => {
    const id = start(engine, [], ["sh", "-c", "echo run >>/count; cat /count; echo --"]);
    must(engine, ["wait", id]);
    must(engine, ["start", id]);
    must(engine, ["wait", id]);
    expect(must(engine, ["logs", id])).toBe("run\n--\nrun\nrun\n--");
    expect((await inspect(engine, id)).RestartCount).toBe(0);
  });

  test("of who runs changes nothing", async () => {
    const id = start(engine, []);
    const before = (await inspect(engine, id)).State;
    expect((await engine.request("POST", `/containers/${id}/start`)).status).toBe(304);
    expect((await inspect(engine, id)).State).toEqual(before);
  });

  test("restart gives another process", async () => {
    const id = start(engine, []);
    const before = await pidOf(engine, id);
    must(engine, ["restart", "-t", "0", id]);
    const { State } = await inspect(engine, id);
    expect(State.Running).toBe(true);
    expect(State.Pid).not.toBe(before);
  });

  test("restart starts who is stopped", async () => {
    const id = must(engine, ["create", "--net=none", "busybox", "sleep", "100"]);
    must(engine, ["restart", "-t", "0", id]);
    expect(await statusOf(id)).toBe("running");
  });
});

describe("waiting", () => {
  test("for the next exit begins before the start", async () => {
    const id = must(engine, ["create", "--net=none", "busybox", "sh", "-c", "exit 5"]);
    const waiting = await beginWait(id, "next-exit");
    await engine.request("POST", `/containers/${id}/start`);
    expect(await waiting.answer).toEqual({ StatusCode: 5 });
  });

  test("for not-running answers at once for who is stopped", async () => {
    const id = must(engine, ["create", "--net=none", "busybox"]);
    const answer = await engine.request("POST", `/containers/${id}/wait`);
    expect(answer.json<object>()).toEqual({ StatusCode: 0 });
  });

  test("for removal tells the exit code", async () => {
    const id = start(engine, [], ["sh", "-c", "exit 6"]);
    must(engine, ["wait", id]);
    const waiting = await beginWait(id, "removed");
    must(engine, ["rm", id]);
    expect(await waiting.answer).toEqual({ StatusCode: 6 });
  });

  test("with an unknown condition is refused", async () => {
    const id = must(engine, ["create", "--net=none", "busybox"]);
    const answer = await engine.request("POST", `/containers/${id}/wait?condition=nosuch`);
    expect(answer.status).toBe(400);
    expect(answer.json<object>()).toEqual({ message: 'invalid condition: "nosuch"' });
  });
});

describe("pausing", () => {
  test("stops every process until unpause", async () => {
    const id = start(engine, [], ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/n; sleep 0.01; done"]);
    await eventually("a count", () => command(engine, ["exec", id, "cat", "/n"]).stdout !== "");
    must(engine, ["pause", id]);
    const { State } = await inspect(engine, id);
    expect(State).toMatchObject({ Status: "paused", Running: true, Paused: true });
    expect(must(engine, ["ps", "--format={{.Status}}"])).toMatch(/^Up .* \(Paused\)$/);
    const read = (): string => readFileSync(`/proc/${State.Pid}/root/n`, "utf8");
    const frozen = read();
    await Bun.sleep(200);
    expect(read()).toBe(frozen);
    const refused = command(engine, ["exec", id, "true"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`Container ${id} is paused, unpause the container before exec`);
    expect(command(engine, ["pause", id]).stderr).toContain(`Container ${id} is already paused`);
    must(engine, ["unpause", id]);
    await eventually("a count that goes on", () => read() !== frozen);
    expect(command(engine, ["unpause", id]).stderr).toContain(`Container ${id} is not paused`);
  });

  test("does not keep a container from being stopped", async () => {
    const id = start(engine, [], ["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done"]);
    must(engine, ["pause", id]);
    must(engine, ["stop", id]);
    expect((await inspect(engine, id)).State.Status).toBe("exited");
  });
});

test("top shows the host's pids of the container's processes", async () => {
  const id = start(engine, [], ["sleep", "777"]);
  const pid = await pidOf(engine, id);
  const top = must(engine, ["top", id]);
  expect(top.split("\n")[0]).toMatch(/^UID\s+PID\s+PPID\s+C\s+STIME\s+TTY\s+TIME\s+CMD$/);
  expect(top).toMatch(new RegExp(`\\s${pid}\\s.*sleep 777`));
  expect(must(engine, ["top", id, "-o", "pid,args"]).split("\n").slice(1)).toEqual([
    expect.stringMatching(new RegExp(`^${pid}\\s+sleep 777`)),
  ]);
  must(engine, ["kill", id]);
  must(engine, ["wait", id]);
  expect(command(engine, ["top", id]).stderr).toContain(`container ${id} is not running`);
});

test("what a container printed last is there when wait answers", () => {
  for (let attempt = 0; attempt < 10; attempt++) {
    expect(shell(engine, [], "head -c 100000 /dev/zero | tr '\\0' x; echo end")).toEndWith("xend");
  }
});
