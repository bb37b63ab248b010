/**
 * Processes in running containers.
 * @module
 */
import { compareGroup, step, type Step } from "./compare.ts";

const v = "/v1.51";
const both = { AttachStdout: true, AttachStderr: true };
const exec = (name: string, body: object, as: string, version = v): Step =>
  step(`exec: ${name}`, `POST ${version}/containers/host/exec`, { body, as });
const upgraded = (name: string, id: string, body: object = {}, input = "", version = v): Step =>
  step(`exec start: ${name}`, `POST ${version}/exec/{${id}}/start`, { body, upgrade: input });
const seen = (name: string, id: string, until = '"Running":false'): Step =>
  step(`exec inspect: ${name}`, `GET ${v}/exec/{${id}}/json`, { until });

compareGroup("exec", {
  everything: [
    step("host", `POST ${v}/containers/create?name=host`, {
      body: {
        Image: "busybox",
        Cmd: ["sleep", "1000"],
        StopSignal: "SIGKILL",
        HostConfig: { NetworkMode: "none" },
      },
      as: "host",
      silent: true,
    }),
    step("exec: created", `POST ${v}/containers/host/exec`, { body: { Cmd: ["true"] } }),
    step("host starts", `POST ${v}/containers/host/start`, { silent: true }),
    step("exec: nothing", `POST ${v}/containers/nothing/exec`, { body: { Cmd: ["true"] } }),
    step("exec: no command", `POST ${v}/containers/host/exec`, { body: {} }),
    step("exec: empty command", `POST ${v}/containers/host/exec`, { body: { Cmd: [] } }),
    step("exec: no body", `POST ${v}/containers/host/exec`),
    step("exec: a wrong type", `POST ${v}/containers/host/exec`, { body: { Cmd: 7 } }),
    step("exec: Cmd as text", `POST ${v}/containers/host/exec`, { body: { Cmd: "true" } }),
    step("exec: bad keys", `POST ${v}/containers/host/exec`, {
      body: { Cmd: ["true"], DetachKeys: "strange" },
    }),
    step("exec: bad environment", `POST ${v}/containers/host/exec`, { body: { Cmd: ["true"], Env: ["=x"] } }),
    exec("it works", { ...both, Cmd: ["sh", "-c", "echo out; echo err >&2; exit 4"] }, "first"),
    step("exec inspect: before it starts", `GET ${v}/exec/{first}/json`),
    step("exec: in the container", `GET ${v}/containers/host/json`),
    upgraded("its output", "first"),
    seen("its exit code", "first"),
    upgraded("again", "first"),
    step("exec start: nothing", `POST ${v}/exec/nothing/start`, { body: {} }),
    step("exec inspect: nothing", `GET ${v}/exec/nothing/json`),
    step("exec resize: nothing", `POST ${v}/exec/nothing/resize?h=1&w=1`),
    step("exec resize: without sizes", `POST ${v}/exec/{first}/resize`),
    step("exec resize: ended", `POST ${v}/exec/{first}/resize?h=1&w=1`),
    exec("detached", { ...both, Cmd: ["sleep", "1000"] }, "detached"),
    step("exec start: detached", `POST ${v}/exec/{detached}/start`, { body: { Detach: true } }),
    seen("detached", "detached", '"Running":true'),
    step("exec resize: without a terminal", `POST ${v}/exec/{detached}/resize?h=10&w=20`),
    step("exec start: running", `POST ${v}/exec/{detached}/start`, { body: {} }),
    step("exec: running, in the container", `GET ${v}/containers/host/json`),
    exec("with input", { ...both, AttachStdin: true, Cmd: ["cat"] }, "cat"),
    upgraded("a conversation", "cat", {}, "hello\n"),
    exec(
      "a terminal",
      { ...both, AttachStdin: true, Tty: true, Cmd: ["sh", "-c", "sleep 0.5; stty size"] },
      "tty",
    ),
    upgraded("a terminal", "tty", { Tty: true, ConsoleSize: [10, 20] }),
    seen("a terminal", "tty"),
    exec("a terminal that start doesn't know of", { ...both, Tty: true, Cmd: ["echo", "x"] }, "mixed"),
    upgraded("a terminal that start doesn't know of", "mixed", { Tty: false }),
    exec("in an old version", { ...both, Cmd: ["echo", "x"] }, "old", "/v1.41"),
    upgraded("in an old version", "old", {}, "", "/v1.41"),
    exec("without a connection", { ...both, Cmd: ["echo", "x"] }, "plain"),
    step("exec start: without an upgrade", `POST ${v}/exec/{plain}/start`, { body: {} }),
    exec("no such program", { ...both, Cmd: ["nothere"] }, "nothere"),
    upgraded("no such program", "nothere"),
    seen("no such program", "nothere"),
    exec("not executable", { ...both, Cmd: ["/etc/passwd"] }, "passwd"),
    upgraded("not executable", "passwd"),
    seen("not executable", "passwd"),
    exec("no such program, detached", { Cmd: ["nothere"] }, "nowhere"),
    step("exec start: no such program, detached", `POST ${v}/exec/{nowhere}/start`, {
      body: { Detach: true },
    }),
    seen("no such program, detached", "nowhere"),
    exec("no such user", { ...both, User: "nobodyhere", Cmd: ["true"] }, "user"),
    exec("no such directory", { ...both, WorkingDir: "/nothere", Cmd: ["pwd"] }, "directory"),
    upgraded("no such directory", "directory"),
    exec(
      "everything",
      {
        ...both,
        User: "nobody",
        WorkingDir: "/tmp",
        Env: ["A=b"],
        Privileged: true,
        Cmd: ["sh", "-c", "id -u; pwd; echo $A"],
      },
      "all",
    ),
    upgraded("everything", "all"),
    seen("everything", "all"),
    exec("before the pause", { ...both, Cmd: ["true"] }, "late"),
    step("host pauses", `POST ${v}/containers/host/pause`, { silent: true }),
    step("exec: paused", `POST ${v}/containers/host/exec`, { body: { Cmd: ["true"] } }),
    step("exec start: paused", `POST ${v}/exec/{late}/start`, { body: { Detach: true } }),
    step("host goes on", `POST ${v}/containers/host/unpause`, { silent: true }),
    step("host stops", `POST ${v}/containers/host/kill`, { silent: true }),
    step("host stopped", `POST ${v}/containers/host/wait`, { silent: true }),
    step("exec: stopped", `POST ${v}/containers/host/exec`, { body: { Cmd: ["true"] } }),
    step("exec start: stopped", `POST ${v}/exec/{late}/start`, { body: { Detach: true } }),
    step("exec inspect: stopped", `GET ${v}/exec/{late}/json`),
    step("host goes", `DELETE ${v}/containers/host`, { silent: true }),
    step("exec inspect: its container is gone", `GET ${v}/exec/{first}/json`),
  ],
});
