/**
 * Limits that are changed, and what is told of their use.
 * @module
 */
import { compareGroup, step, type Step } from "./compare.ts";

const v = "/v1.51";
const mega = 1 << 20;
const make = (name: string, host: object): Step =>
  step(`make ${name}`, `POST ${v}/containers/create?name=${name}`, {
    body: {
      Image: "busybox",
      Cmd: ["sleep", "1000"],
      StopSignal: "SIGKILL",
      HostConfig: { NetworkMode: "none", ...host },
    },
    as: name,
    silent: true,
  });
const update = (name: string, body: object, container = "some", version = v): readonly Step[] => [
  step(`update: ${name}`, `POST ${version}/containers/${container}/update`, { body }),
  step(`update: ${name}: after`, `GET ${v}/containers/${container}/json`, { only: "HostConfig" }),
];

const changes = [
  ...update("memory", { Memory: 128 * mega, MemorySwap: 256 * mega }),
  ...update("memory alone", { Memory: 512 * mega }),
  ...update("swap alone", { MemorySwap: 300 * mega }),
  ...update("reservation", { MemoryReservation: 32 * mega }),
  ...update("memory too small", { Memory: 5000 }),
  ...update("kernel memory", { KernelMemory: 64 * mega }),
  ...update("shares too few", { CpuShares: 1 }),
  ...update("shares", { CpuShares: 512 }),
  ...update("quota and period", { CpuQuota: 50_000, CpuPeriod: 100_000 }),
  ...update("bad period", { CpuPeriod: 10 }),
  ...update("cpus beside a quota", { NanoCpus: 500_000_000 }),
  ...update("cpuset", { CpusetCpus: "0" }),
  ...update("bad cpuset", { CpusetCpus: "a" }),
  ...update("no processes' limit", { PidsLimit: -1 }),
  ...update("processes", { PidsLimit: 50 }),
  ...update("processes, before there were any", { PidsLimit: 60 }, "some", "/v1.39"),
  ...update("restart", { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } }),
  ...update("bad restart", { RestartPolicy: { Name: "strange" } }),
  ...update("restarts of always", { RestartPolicy: { Name: "always", MaximumRetryCount: 3 } }),
  ...update("nothing", {}),
  ...update("a wrong type", { Memory: "much" }),
  ...update("of nobody", { Memory: 64 * mega }, "nothing"),
];

compareGroup("limits", {
  "update of what doesn't run": [
    make("some", { Memory: 64 * mega }),
    ...changes.map((each) => ({ ...each, name: each.name.replace("update", "update created") })),
    step("some goes", `DELETE ${v}/containers/some`, { silent: true }),
  ],
  "update of what runs": [
    make("some", { Memory: 64 * mega }),
    step("some starts", `POST ${v}/containers/some/start`, { silent: true }),
    ...changes,
    step("some pauses", `POST ${v}/containers/some/pause`, { silent: true }),
    ...update("paused", { CpuShares: 256 }).slice(0, 1),
    step("some goes on", `POST ${v}/containers/some/unpause`, { silent: true }),
    make("fleeting", { AutoRemove: true }),
    ...update("restart of what is removed", { RestartPolicy: { Name: "always" } }, "fleeting").slice(0, 1),
    step("fleeting goes", `DELETE ${v}/containers/fleeting`, { silent: true }),
  ],
  statistics: [
    ...["1.24", "1.40", "1.41", "1.51"].map((n) =>
      step(`stats: once ${n}`, `GET /v${n}/containers/some/stats?stream=0`, { shape: true }),
    ),
    step("stats: one shot", `GET ${v}/containers/some/stats?stream=0&one-shot=1`, { shape: true }),
    step("stats: a stream in one shot", `GET ${v}/containers/some/stats?one-shot=1`),
    step("stats: of nobody", `GET ${v}/containers/nothing/stats?stream=0`),
    step("some goes at last", `DELETE ${v}/containers/some?force=1`, { silent: true }),
    make("idle", {}),
    step("stats: of what doesn't run", `GET ${v}/containers/idle/stats?stream=0`, { shape: true }),
    step("idle goes", `DELETE ${v}/containers/idle`, { silent: true }),
  ],
});
