/**
 * `docker commit`: an image of what a container has become.
 * @module
 */
import { writeTar, type ImageRunConfig } from "../image/mod.ts";
import { containerFiles } from "../storage/mod.ts";
import { rangeSize } from "../security/mod.ts";
import { mergeConfig } from "./config-merge.ts";
import { containerChanges, firstIdOf, overlayOf } from "./container-changes.ts";
import { publishContainer } from "./container-events.ts";
import type { Container } from "./container-store.ts";
import type { ContainerConfig } from "./container-types.ts";
import type { CommitRequest } from "./engine.ts";
import type { ImageService } from "./images.ts";
import { PatientSession } from "./patient-session.ts";
import type { Services } from "./services.ts";
import { whileStandingStill } from "./standstill.ts";

/** Makes the image and resolves to its ID. A running container stands still meanwhile, unless it shall not. */
export async function commitContainer(
  services: Services,
  images: Pick<ImageService, "commit">,
  container: Container,
  request: CommitRequest,
): Promise<string> {
  const { record } = container;
  const { author, comment = "", repository, tag, changes } = request;
  const body = {
    ...(request.config ?? record.config),
    Healthcheck: request.config?.Healthcheck ?? record.config.Healthcheck,
  };
  const { id, name } = await images.commit({
    parent: record.imageId,
    layer: () =>
      request.pause
        ? whileStandingStill(services, container, () => layerOf(services, container))
        : layerOf(services, container),
    config: imageConfig(mergeConfig(body, record.config, "")),
    changes,
    createdBy: (record.config.Cmd ?? []).join(" "),
    ...(author === undefined || author === "" ? {} : { author }),
    ...(comment === "" ? {} : { comment }),
    ...(repository === undefined ? {} : { repository }),
    ...(tag === undefined ? {} : { tag }),
  });
  publishContainer(services, "commit", container, { comment, imageID: id, imageRef: name });
  return id;
}

/** The archive of the container's layer. */
async function* layerOf(services: Services, container: Container): AsyncGenerator<Uint8Array, void, void> {
  const { upperLayer } = await containerFiles();
  const changes = await containerChanges(services, container);
  using session = new PatientSession(
    services.executors.session(),
    `commit container ${container.id.slice(0, 12)}`,
  );
  const firstId = firstIdOf(services, container);
  const ids = container.record.userNamespace.mode === "host" ? 0xffff_ffff : rangeSize;
  yield* writeTar(upperLayer(overlayOf(services, container), { session, changes, firstId, ids }));
}

/** What of a container's configuration an image has, without what says nothing. */
function imageConfig(config: ContainerConfig): ImageRunConfig {
  const { User, Env, Entrypoint, Cmd, WorkingDir, Labels, ExposedPorts, Volumes } = config;
  const { StopSignal, StopTimeout, Healthcheck, OnBuild, Shell, ArgsEscaped } = config;
  const fields = { User, Env, Entrypoint, Cmd, WorkingDir, Labels, ExposedPorts, Volumes };
  const all = { ...fields, StopSignal, StopTimeout, Healthcheck, OnBuild, Shell, ArgsEscaped };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => says(value)));
}

function says(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
