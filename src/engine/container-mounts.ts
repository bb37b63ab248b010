/**
 * The mounts of a container that is being made, with what the host has behind them: sources of binds, layers of images,
 * volumes, which are made here.
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
import { checkProcSource, hostSource, lookAtSources } from "./bind-sources.ts";
import type { ContainerConfig, HostConfig } from "./container-types.ts";
import type { ContainerRecord, MountPoint, UserNamespaceChoice } from "./container.ts";
import type { FoundPaths } from "./host-paths.ts";
import { boundFolder, unmappableType } from "./local-volume-options.ts";
import { mountPoints } from "./mount-points.ts";
import type { WantedMount } from "./mount-requests.ts";
import type { Services } from "./services.ts";
import { isVolatile } from "./shared-volumes.ts";
import type { PreparedVolume } from "./volumes.ts";

/** The mounts that a container asks for, and what is at their sources now. */
export interface WantedMounts {
  readonly mounts: readonly WantedMount[];
  readonly found: FoundPaths;
}

/** The mounts that a container asks for; nothing is made yet. Throws Docker's errors for what can't be mounted. */
export async function wantedMounts(
  services: Services,
  config: Pick<ContainerConfig, "Volumes">,
  host: HostConfig,
): Promise<WantedMounts> {
  const mountsOf = (name: string): readonly MountPoint[] => {
    try {
      return services.store.find(name).record.mounts;
    } catch (error) {
      // Not as 404: clients would take it for a missing image and pull.
      throw failure("invalid-parameter", { message: messageOf(error) }, error);
    }
  };
  const wanted = mountPoints(config, host, mountsOf).map((mount) => withBacking(services, mount));
  const found = await lookAtSources(services, wanted);
  return { mounts: wanted.map((mount) => withSource(services, mount, found)), found };
}

function withBacking({ volumes }: Services, mount: WantedMount): WantedMount {
  if (mount.type !== "volume") return mount;
  const backing = volumes.backing(mount.name, mount.creation?.options ?? {});
  return backing === undefined ? mount : { ...mount, backing };
}

function withSource({ images, storage }: Services, mount: WantedMount, found: FoundPaths): WantedMount {
  const { type, source, mustExist, name } = mount;
  if (type === "image" && mount.image === undefined) {
    const { id, chain } = images.resolve(name ?? "");
    return { ...mount, image: { id, chain }, source: storage.layerPaths(chain)[0] ?? "" };
  }
  if (type !== "bind") return mount;
  const there = found.get(source);
  checkProcSource(mount, there);
  if (mustExist && there === undefined) {
    const message = `invalid mount config for type "bind": bind source path does not exist: ${source}`;
    throw failure("invalid-parameter", { message });
  }
  return there?.directory === false ? { ...mount, file: true } : mount;
}

/** What can't be shown with mapped ids. */
export interface Unmappable {
  readonly source: string;
  readonly reason: string;
}

/** The first mount whose files can't be shown with mapped ids, and why. */
export async function unmappableMount(
  { idmaps, facts }: Services,
  { mounts, found }: { readonly mounts: readonly MountPoint[]; readonly found: FoundPaths },
): Promise<Unmappable | undefined> {
  for (const mount of mounts) {
    const { type, source, backing, name = "" } = mount;
    const folder = hostSource(mount) ?? "";
    const device = found.get(folder || source)?.device;
    const isOther = backing !== undefined && boundFolder(backing) === undefined;
    let reason: string | undefined;
    if (isOther) reason = unmappableType(backing.type, facts.kernelVersion);
    else if (device !== undefined) reason = await idmaps.unsupported(folder || source, device);
    else if (type === "volume" && source !== "" && folder === "")
      reason = await idmaps.unsupportedHere(source);
    if (reason !== undefined) return { source: type === "volume" ? `volume ${name}` : source, reason };
  }
  return undefined;
}

/** The mounts of a container that is only explained: volumes stand where they would be. */
export function sketchMounts({ volumes }: Services, mounts: readonly MountPoint[]): MountPoint[] {
  return mounts.map((mount) => {
    const { type, name, driver = "local", source, backing } = mount;
    if (type !== "volume") return mount;
    if (isVolatile(backing)) return { ...mount, namespace: `(mount namespace of volume ${name ?? "new"})` };
    if (source !== "") return mount;
    const foreign = driver === "local" ? undefined : `(volume ${name ?? "new"} of ${driver})`;
    return { ...mount, source: foreign ?? volumes.localPath(name ?? "(new)") };
  });
}

/** The mounts of a container with their volumes, while it is being made; disposing of it lets go of plugins' volumes. */
export interface PreparedMounts extends AsyncDisposable {
  readonly mounts: readonly MountPoint[];
  readonly userNamespace: UserNamespaceChoice;
  /** Writes the rows of new volumes; within the transaction that makes the container. */
  insert(): void;
}

/** Makes the volumes of a container, and has plugins mount theirs, so that something can be copied into them. */
export async function prepareMounts(
  services: Services,
  { id, userNamespace }: ContainerRecord,
  wanted: readonly WantedMount[],
): Promise<PreparedMounts> {
  const { volumes } = services;
  const prepared: PreparedVolume[] = [];
  const mounts: MountPoint[] = [];
  const end = async (): Promise<void> => {
    for (const volume of prepared) await volume.discard();
    await volumes.uses.end(id);
  };
  try {
    for (const { creation, ...mount } of wanted) {
      if (mount.type !== "volume") {
        mounts.push(mount);
        continue;
      }
      const { driver: asked } = mount;
      const volume = await volumes.prepare(mount.name, {
        ...(asked === undefined ? {} : { driver: asked }),
        ...(Object.keys(creation?.labels ?? {}).length === 0 ? {} : { labels: creation?.labels }),
        ...(Object.keys(creation?.options ?? {}).length === 0 ? {} : { options: creation?.options }),
      });
      prepared.push(volume);
      const { name, driver, backing, fresh } = volume;
      const foreign = driver !== "local";
      const source = foreign ? await volumes.uses.begin(id, driver, name) : volume.path;
      mounts.push({
        ...mount,
        name,
        driver,
        source,
        // Docker's default where a volume was asked for, which only the local driver has.
        mode: mount.mode || (creation === undefined || foreign ? "" : "z"),
        copyUp: mount.copyUp && (fresh || foreign),
        ...(backing === undefined ? {} : { backing }),
      });
    }
    const foreign = mounts.filter(({ driver }) => driver !== undefined && driver !== "local");
    return {
      mounts,
      userNamespace: withPlugins(
        userNamespace,
        await unmappableMount(services, {
          mounts: foreign,
          found: await lookAtSources(services, foreign),
        }),
      ),
      insert: () => {
        for (const volume of prepared) volume.insert();
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The user namespace, now that it is known where plugins have their volumes. */
function withPlugins(choice: UserNamespaceChoice, unmappable: Unmappable | undefined): UserNamespaceChoice {
  if (choice.mode !== "private" || unmappable === undefined) return choice;
  return { mode: "host", reason: `${unmappable.source} can't be mapped: ${unmappable.reason}` };
}
