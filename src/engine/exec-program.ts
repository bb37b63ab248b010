/**
 * From an exec's body to the program that starts it.
 * @module
 */
import type { Program } from "../kernel/mod.ts";
import { compileExec, hostIds, type SpecProcess } from "../runtime/mod.ts";
import type { Container } from "./container-store.ts";
import type { ExecBody } from "./engine.ts";
import { linkEnvironment } from "./links.ts";
import { execEnvironment, noNewPrivileges, processCapabilities, specMappings } from "./oci-spec.ts";
import { cgroupOf, containerUser } from "./runtime-context.ts";
import { idRangeOf } from "./joins.ts";
import type { Services } from "./services.ts";

/** Namespaces of a container's process that are not the host's. */
function ownNamespaces(container: Container): Set<string> {
  const { hostConfig: host, userNamespace } = container.record;
  const result = new Set<string>(["mount"]);
  if (userNamespace.mode !== "host") result.add("user");
  if (host.NetworkMode !== "host") result.add("network");
  if (host.PidMode !== "host") result.add("pid");
  if (host.IpcMode !== "host") result.add("ipc");
  if (host.UTSMode !== "host") result.add("uts");
  if (host.CgroupnsMode === "private") result.add("cgroup");
  return result;
}

/** Compiles an exec in a running container. `size` is rows and columns. */
export async function execProgram(
  services: Services,
  container: Container,
  body: ExecBody,
  size: readonly [number, number] | undefined,
): Promise<Program> {
  const { cgroups, facts, seccomp, storage } = services;
  const { record } = container;
  const { config, hostConfig: host } = record;
  const plan = storage.plan(record.id, record.chain);
  const user = await containerUser(services, plan, body.User || config.User, host.GroupAdd ?? []);
  const tty = body.Tty ?? false;
  const own = execEnvironment(record, tty, user.home, body, linkEnvironment(services, container));
  const [rows, columns] = size ?? [0, 0];
  const process: SpecProcess = {
    terminal: tty,
    ...(tty && rows > 0 ? { consoleSize: { height: rows, width: columns } } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
    args: body.Cmd ?? [],
    env: own,
    cwd: body.WorkingDir || config.WorkingDir || "/",
    capabilities: processCapabilities(
      host,
      user.uid,
      facts.capabilities,
      (body.Privileged ?? false) || host.Privileged,
    ),
    noNewPrivileges: noNewPrivileges(host, services.options.noNewPrivileges),
    oomScoreAdj: host.OomScoreAdj,
  };
  const range = idRangeOf(services, record);
  const mappings = range === undefined ? undefined : specMappings(range);
  const bounding = processCapabilities(host, 0, facts.capabilities, host.Privileged).bounding ?? [];
  const filter = seccomp.filter(host, bounding);
  return compileExec({
    process,
    pid: container.state.pid,
    namespaces: ownNamespaces(container),
    cgroup: { driver: cgroups, cgroup: cgroupOf(services, record) },
    ids: hostIds({ namespaces: [], uidMappings: mappings, gidMappings: mappings }),
    openStdin: body.AttachStdin ?? false,
    lastCapability: facts.lastCapability,
    ...(filter === undefined ? {} : { seccomp: { filter: filter.filter, flags: filter.flags } }),
  });
}
