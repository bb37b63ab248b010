/**
 * Swarm and managed plugins, as an engine answers that is in no swarm and has no plugin.
 * @module
 */
import { compareGroup, step } from "./compare.ts";

const v = "/v1.51";
const objects = ["nodes", "services", "secrets", "configs"];

compareGroup("without-swarm", {
  swarm: [
    step("swarm", `GET ${v}/swarm`),
    step("leave", `POST ${v}/swarm/leave`),
    step("leave: by force", `POST ${v}/swarm/leave?force=1`),
    step("unlock key", `GET ${v}/swarm/unlockkey`),
    step("unlock", `POST ${v}/swarm/unlock`, { body: { UnlockKey: "x" } }),
    step("init: bad address", `POST ${v}/swarm/init`, { body: { ListenAddr: "strange" } }),
    step("join: no manager", `POST ${v}/swarm/join`, { body: { RemoteAddrs: [] } }),
    step("update", `POST ${v}/swarm/update?version=1`, { body: {} }),
    step("update: bad version", `POST ${v}/swarm/update?version=x`, { body: {} }),
    step("update: bad flag", `POST ${v}/swarm/update?version=1&rotateWorkerToken=strange`, { body: {} }),
    ...objects.flatMap((kind) => [
      step(`${kind}: list`, `GET ${v}/${kind}`),
      step(`${kind}: list with a filter`, `GET ${v}/${kind}?filters=x`),
      step(`${kind}: inspect`, `GET ${v}/${kind}/x`),
      step(`${kind}: remove`, `DELETE ${v}/${kind}/x`),
      step(`${kind}: update`, `POST ${v}/${kind}/x/update?version=1`, { body: {} }),
      step(`${kind}: update with a bad version`, `POST ${v}/${kind}/x/update?version=y`, { body: {} }),
    ]),
    ...objects
      .slice(1)
      .map((kind) => step(`${kind}: create`, `POST ${v}/${kind}/create`, { body: { Name: "x" } })),
    step("services: status", `GET ${v}/services?status=strange`),
    step("services: inspect with defaults", `GET ${v}/services/x?insertDefaults=strange`),
    step("services: logs", `GET ${v}/services/x/logs?stdout=1`),
    step("tasks", `GET ${v}/tasks`),
    step("tasks: inspect", `GET ${v}/tasks/x`),
    step("tasks: logs", `GET ${v}/tasks/x/logs?stdout=1`),
  ],
  building: [
    step("build: nothing", `POST ${v}/build`, { body: "" }),
    step("build: bad arguments", `POST ${v}/build?buildargs=x`, { body: "" }),
    step("build: prune", `POST ${v}/build/prune`),
    step("build: prune with a bad filter", `POST ${v}/build/prune?filters=x`),
    step("session: without an upgrade", `POST ${v}/session`),
    step("grpc: without an upgrade", `POST ${v}/grpc`),
  ],
  plugins: [
    step("plugins", `GET ${v}/plugins`),
    step("plugins: bad filter", `GET ${v}/plugins?filters=x`),
    step("plugins: unknown filter", `GET ${v}/plugins?filters=${encodeURIComponent('{"strange":["x"]}')}`),
    step("plugins: inspect", `GET ${v}/plugins/some/plugin:latest/json`),
    step("plugins: enable", `POST ${v}/plugins/x/enable?timeout=0`),
    step("plugins: disable", `POST ${v}/plugins/x/disable`),
    step("plugins: remove", `DELETE ${v}/plugins/x`),
    step("plugins: push", `POST ${v}/plugins/x/push`),
    step("plugins: set", `POST ${v}/plugins/x/set`, { body: ["A=b"] }),
    step("plugins: privileges of a bad reference", `GET ${v}/plugins/privileges?remote=Bad_Name`),
    step("plugins: pull a bad reference", `POST ${v}/plugins/pull?remote=Bad_Name`, { body: [] }),
  ],
});
