/**
 * What is known of one image: `GET /images/{name}/json` and `/history`.
 * @module
 */
import { familiarReference } from "../image/mod.ts";
import { NEVER } from "./container.ts";
import type { Json } from "./engine.ts";
import type { ImageContext } from "./images-context.ts";
import { imageSize } from "./images-list.ts";
import { readDockerVersion } from "./images-read.ts";
import type { ImageRecord } from "./images-table.ts";
import { formatTime, parseTime } from "./time.ts";

/** The image as dockerd with a graph driver describes it. */
export async function inspectImage(context: ImageContext, image: ImageRecord): Promise<Json> {
  const { config } = image;
  const created = parseTime(config.created ?? "");
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiarReference),
    RepoDigests: image.digests.map(familiarReference),
    Parent: "",
    Comment: config.comment ?? "",
    ...(config.created === undefined ? {} : { Created: created === 0n ? NEVER : formatTime(created) }),
    DockerVersion: await readDockerVersion(context.content, image.id),
    Author: config.author ?? "",
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    ...(config["os.version"] === undefined ? {} : { OsVersion: config["os.version"] }),
    Size: await imageSize(context, image),
    GraphDriver: graphDriver(context, image),
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: image.tagged ?? NEVER },
    Config: runConfig(image),
  };
}

/** Docker's order is that of the alphabet; some fields are always there. */
function runConfig({ config: { config } }: ImageRecord): Json {
  const { ArgsEscaped, ExposedPorts, Healthcheck, Shell, StopSignal, StopTimeout } = config;
  return {
    ...(ArgsEscaped === true ? { ArgsEscaped } : {}),
    Cmd: config.Cmd ?? null,
    Entrypoint: config.Entrypoint ?? null,
    Env: config.Env ?? null,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
    Labels: config.Labels ?? null,
    OnBuild: config.OnBuild ?? null,
    ...(Shell === undefined ? {} : { Shell }),
    ...(StopSignal === undefined ? {} : { StopSignal }),
    ...(StopTimeout === undefined ? {} : { StopTimeout }),
    User: config.User ?? "",
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? "",
  };
}

/** Where the layers lie. What only a mounted container has, Docker names too; here there is no such thing to name. */
function graphDriver({ storage }: ImageContext, { chain }: ImageRecord): Json {
  const plan = chain.length === 0 ? undefined : storage.plan("image", chain);
  if (plan?.kind !== "overlay") return { Data: null, Name: storage.name };
  const [top, ...lower] = plan.lower;
  const LowerDir = lower.join(":");
  return { Data: { ...(LowerDir === "" ? {} : { LowerDir }), UpperDir: top }, Name: storage.name };
}

/** What made the image, the last step first. Steps of which only the configuration tells have no ID of their own. */
export async function imageHistory({ storage }: ImageContext, image: ImageRecord): Promise<Json[]> {
  const steps: Json[] = [];
  let layer = 0;
  for (const entry of image.config.history) {
    const chainId = entry.empty_layer === true ? undefined : image.chain[layer++];
    steps.push({
      Comment: entry.comment ?? "",
      Created: Number(parseTime(entry.created ?? "") / 1_000_000_000n),
      CreatedBy: entry.created_by ?? "",
      Id: "<missing>",
      Size: chainId === undefined ? 0 : await storage.layerSize(chainId),
      Tags: null,
    });
  }
  const [last, ...older] = steps.toReversed();
  if (last === undefined) return [];
  const tags = image.tags.map(familiarReference);
  return [{ ...last, Id: image.id, Tags: tags.length === 0 ? null : tags }, ...older];
}
