/**
 * A container's Config: what the client sent, completed by what its image says and by Docker's defaults.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ContainerConfig, CreateBody, Empty, Healthcheck } from "./container-types.ts";
import { mergeHealthcheck } from "./healthcheck.ts";

/** What an image says of the containers made from it (OCI image-spec, config.md). */
export interface ImageDefaults {
  readonly User?: string;
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly ExposedPorts?: Readonly<Record<string, Empty>> | null;
  readonly Volumes?: Readonly<Record<string, Empty>> | null;
  readonly StopSignal?: string;
  readonly Healthcheck?: Healthcheck | null;
  readonly Shell?: readonly string[] | null;
  readonly OnBuild?: readonly string[] | null;
}

const variable = (entry: string): string => entry.split("=", 1)[0] ?? "";

/** The image's variables that the client didn't set, after the client's own. */
function mergeEnvironment(
  own: readonly string[] | null | undefined,
  image: readonly string[] | null | undefined,
): readonly string[] | null {
  const result = [...(own ?? [])];
  const set = new Set(result.map(variable));
  for (const entry of image ?? []) if (!set.has(variable(entry))) result.push(entry);
  return result.length === 0 ? null : result;
}

const isEmpty = (list: readonly string[] | null | undefined): boolean =>
  list === null || list === undefined || list.length === 0;

/** Throws Docker's text for a variable without a name. */
export function checkEnvironment(environment: readonly string[]): void {
  for (const entry of environment) {
    if (entry === "") throw failure("invalid-parameter", { message: "invalid environment variable: " });
    if (entry.startsWith("="))
      throw failure("invalid-parameter", { message: `invalid environment variable: ${entry}` });
  }
}

/**
 * Completes what the client sent. `ownName` is the host name of a container that asks for none. Throws Docker's `no command specified` when
 * neither says what to run.
 */
export function mergeConfig(body: CreateBody, image: ImageDefaults, ownName: string): ContainerConfig {
  checkEnvironment(body.Env ?? []);
  let { Entrypoint: entrypoint, Cmd: command } = body;
  const reset = entrypoint?.length === 1 && entrypoint[0] === "";
  if (isEmpty(entrypoint)) {
    if (isEmpty(command)) command = image.Cmd;
    entrypoint = image.Entrypoint;
  }
  if (reset) entrypoint = null;
  if (isEmpty(entrypoint) && isEmpty(command)) {
    throw failure("invalid-parameter", { message: "no command specified" });
  }
  const ports = { ...image.ExposedPorts, ...body.ExposedPorts };
  const volumes = { ...image.Volumes, ...body.Volumes };
  const healthcheck = mergeHealthcheck(body.Healthcheck, image.Healthcheck);
  return {
    Hostname: body.Hostname || ownName,
    Domainname: body.Domainname ?? "",
    User: body.User || (image.User ?? ""),
    AttachStdin: body.AttachStdin ?? false,
    AttachStdout: body.AttachStdout ?? false,
    AttachStderr: body.AttachStderr ?? false,
    ...(Object.keys(ports).length === 0 ? {} : { ExposedPorts: ports }),
    Tty: body.Tty ?? false,
    OpenStdin: body.OpenStdin ?? false,
    StdinOnce: body.StdinOnce ?? false,
    Env: mergeEnvironment(body.Env, image.Env),
    Cmd: command ?? null,
    ...(healthcheck === undefined ? {} : { Healthcheck: healthcheck }),
    ...(body.ArgsEscaped === undefined ? {} : { ArgsEscaped: body.ArgsEscaped }),
    Image: body.Image ?? "",
    Volumes: Object.keys(volumes).length === 0 ? null : volumes,
    WorkingDir: body.WorkingDir || (image.WorkingDir ?? ""),
    Entrypoint: entrypoint ?? null,
    ...(body.NetworkDisabled === undefined ? {} : { NetworkDisabled: body.NetworkDisabled }),
    OnBuild: image.OnBuild ?? null,
    Labels: { ...image.Labels, ...body.Labels },
    ...(body.StopSignal || image.StopSignal ? { StopSignal: body.StopSignal || image.StopSignal } : {}),
    ...(body.StopTimeout === undefined || body.StopTimeout === null ? {} : { StopTimeout: body.StopTimeout }),
    ...(isEmpty(body.Shell ?? image.Shell) ? {} : { Shell: body.Shell ?? image.Shell ?? [] }),
  };
}

/** What is executed: entrypoint and command in one. */
export function commandLine(config: Pick<ContainerConfig, "Entrypoint" | "Cmd">): readonly string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}
