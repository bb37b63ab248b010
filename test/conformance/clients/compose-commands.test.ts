/**
 * Each command of docker compose on both engines, and what a project's file may say: profiles, secrets and settings as files,
 * extension, files of variables. compose.test.ts has a project's life.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { composePath, noCompose } from "../../support/docker.ts";
import { comparing } from "./both.ts";

const sleeper = { image: "busybox", command: ["sleep", "1000"], stop_signal: "SIGKILL" };

const project = {
  name: "all",
  services: {
    web: {
      extends: { file: "base.yaml", service: "base" },
      env_file: ["variables"],
      environment: { DIRECT: "two" },
      secrets: ["hush"],
      configs: [{ source: "settings", target: "/etc/settings" }],
      ports: ["127.0.0.1:18767:80"],
      labels: { own: "label" },
      healthcheck: { test: ["CMD", "true"], interval: "200ms" },
      depends_on: { job: { condition: "service_completed_successfully" } },
    },
    job: { image: "busybox", command: ["sh", "-c", "echo done"] },
    talker: { image: "busybox", command: ["sh", "-c", "echo hello; exec cat"], stdin_open: true },
    extra: { ...sleeper, profiles: ["more"] },
  },
  secrets: { hush: { file: "./secret" } },
  configs: { settings: { file: "./settings" } },
  volumes: { data: { labels: { a: "b" } } },
  networks: { default: { ipam: { config: [{ subnet: "10.93.0.0/24" }] } } },
};

const same = comparing({
  program: composePath,
  missing: noCompose,
  quiet: true,
  prepare: (folder) => {
    const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);
    write("compose.yaml", JSON.stringify(project));
    write("base.yaml", JSON.stringify({ services: { base: { ...sleeper, volumes: ["data:/data"] } } }));
    write("variables", "FROM_FILE=one\n");
    write("secret", "hush\n");
    write("settings", "answer=42\n");
    write(".env", "COMPOSE_STATUS_STDOUT=0\n");
  },
});

same(
  "every command",
  `
  version --short
  ~ config --services
  config --profiles
  config --volumes
  ~ config --images
  ~ config --format json
  config --hash web
  ~ --profile more config --services
  create
  ~ ps -a --orphans=false --no-trunc
  up -d
  ~ ps --services
  ps --format '{{.Service}} {{.Publishers}}' web
  ps --status exited --format '{{.Service}} {{.ExitCode}}'  -a
  --profile more up -d
  ps --format '{{.Service}}' extra
  exec -T web sh -c 'echo $FROM_FILE $DIRECT; cat /etc/settings /run/secrets/hush; ls -d /data'
  exec -T -e A=b -w /tmp -u nobody web sh -c 'echo $A; pwd; id -u'
  7 exec -T web sh -c 'exit 7'
  ~ exec -d web touch /made
  1 exec -T nothing true
  port web 80
  1 port web 81
  logs --no-log-prefix --no-color job
  logs --no-color --tail 1 job
  ~ top web
  images --format json job
  images -q job
  stats --no-stream --format '{{.Name}}' web
  ls --format json
  ls -q
  volumes -q
  run --rm -T --no-deps web echo once
  run --rm -T --no-deps -e X=y --entrypoint sh web -c 'echo $X'
  3 run --rm -T --no-deps web sh -c 'exit 3'
  run -d --name one-off --no-deps web
  cp web:/etc/settings copied
  cp settings web:/tmp/settings
  exec -T web cat /tmp/settings
  1 cp web:/nothere copied
  pause web
  ps --format '{{.State}}' web
  unpause web
  kill -s KILL extra
  ps -a --format '{{.State}}' extra
  start extra
  restart -t 0 web
  stop -t 0 extra
  rm -f extra
  1 up -d --scale extra=0
  scale job=2 --no-deps
  ps -a -q job
  export -o exported.tar web
  commit web committed:v1
  1 wait job
  up -d --force-recreate --no-deps -t 0 web
  up -d --wait --wait-timeout 60 web
  up --no-start
  1 events --since 1 --until 2
  1 attach --no-stdin --index 3 talker
  pull --ignore-pull-failures --policy missing job
  1 build --nothing
  1 down --rmi none
  down -t 0 --remove-orphans -v
  ps -a -q
  ls -a -q
  `,
);
