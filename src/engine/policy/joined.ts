/**
 * Containers that a request for a new one names: whose namespaces it joins, whose mounts it takes.
 * @module
 */
import type { HostConfig } from "../container-types.ts";
import type { CreateRequest } from "../engine.ts";

const modes = ["NetworkMode", "PidMode", "IpcMode"] as const;

/** The request with what `resolve` makes of each container's name; it may throw instead. */
export async function withJoined(
  request: CreateRequest,
  resolve: (name: string) => Promise<string>,
): Promise<CreateRequest> {
  const host = request.body.HostConfig ?? {};
  const resolved: { -readonly [K in keyof HostConfig]?: HostConfig[K] } = {};
  for (const field of modes) {
    const name = /^container:(.+)$/s.exec(host[field] ?? "")?.[1];
    if (name !== undefined) resolved[field] = `container:${await resolve(name)}`;
  }
  if (host.VolumesFrom !== undefined && host.VolumesFrom !== null) {
    const from: string[] = [];
    for (const word of host.VolumesFrom) {
      const [name = "", ...mode] = word.split(":");
      from.push([await resolve(name), ...mode].join(":"));
    }
    resolved.VolumesFrom = from;
  }
  return { ...request, body: { ...request.body, HostConfig: { ...host, ...resolved } } };
}
