/**
 * The layers: arrows go down only, and a folder's mod.ts is its public face.
 *
 *   cli → client → api → engine → {image, storage, network, runtime} → {cgroup, security, plugins} → kernel → template → errors
 */
const layers = [
  ["cli"],
  ["client"],
  ["api"],
  ["engine"],
  ["image", "storage", "network", "runtime"],
  ["cgroup", "security", "plugins"],
  ["kernel"],
  ["template"],
  ["errors"],
];

/** Imports beside the order: storage unpacks what image reads. */
const siblings = { storage: ["image"] };

/** Faces of parts that are bigger than one folder. */
const faces = [
  "^src/[^/]+/mod\\.ts$",
  "^src/image/[^/]+/mod\\.ts$",
  "^src/kernel/(netlink|syscalls)/mod\\.ts$",
  "^src/security/seccomp/mod\\.ts$",
  // Data: the options that the command line fills and the engine reads, the versions that clients are told.
  "^src/engine/(daemon-options|version)\\.ts$",
  // The registry is data: other texts than an error's own are made from it.
  "^src/errors/registry\\.ts$",
  // Pure and tiny: the command line names images without loading the code that handles them.
  "^src/image/reference\\.ts$",
];

const inFolder = (folders) => `^src/(${folders.join("|")})/`;

const upwards = layers.flatMap((layer, index) =>
  layer.map((folder) => {
    const lower = layers.slice(index + 1).flat();
    const allowed = [folder, ...lower, ...(siblings[folder] ?? [])];
    return {
      name: `layers-${folder}`,
      comment: `src/${folder} imports only what lies below it: ${allowed.slice(1).join(", ") || "nothing"}`,
      severity: "error",
      from: { path: inFolder([folder]) },
      to: { path: "^src/", pathNot: inFolder(allowed) },
    };
  }),
);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...upwards,
    {
      name: "public-face",
      comment: "other folders import only a folder's mod.ts",
      severity: "error",
      from: { path: "^src/([^/]+)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^src/[^/]+/", pathNot: ["^src/$1/", ...faces] },
    },
    {
      name: "command-line-without-engine",
      comment: "the command line talks to an engine over its API; only `caisson daemon` has one inside",
      severity: "error",
      from: { path: "^src/cli/", pathNot: "^src/cli/daemon[^/]*\\.ts$" },
      to: {
        path: "^src/(api|engine|image|storage|network|runtime|cgroup|security|kernel)/",
        // `cp` makes archives of this host's files, and takes them apart.
        pathNot: [
          "^src/engine/(daemon-options|version)\\.ts$",
          "^src/image/reference\\.ts$",
          "^src/image/tar/mod\\.ts$",
        ],
      },
    },
    {
      name: "no-cycles",
      comment: "files that need each other are one file, or three",
      severity: "error",
      // A cycle of types alone is none when the program runs.
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-development-packages",
      comment: "what is not in dependencies is not in the executable",
      severity: "error",
      from: { path: "^src/", pathNot: "(\\.test|/testing|/fake-[^/]*|/crafted-[^/]*)\\.ts$" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "resolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^bun(:|$)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^native/build" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
