/**
 * The docker command line: the same commands on both engines, what they print and their exit codes compared. Without
 * dockerd each command must do what its row says.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dockerPath, noDocker } from "../../support/docker.ts";
import { comparing } from "./both.ts";

const same = comparing({
  program: dockerPath,
  missing: noDocker,
  prepare: (folder) => {
    writeFileSync(join(folder, "file"), "from the host\n");
    writeFileSync(join(folder, "environment"), "FROM_FILE=yes\n# a comment\n");
  },
});

same(
  "run",
  `
  run --rm busybox echo hello
  3 run --rm busybox sh -c 'echo out; echo err >&2; exit 3'
  ~ 127 run --rm busybox nothere
  ~ 126 run --rm busybox /etc/passwd
  ~ 125 run --rm --network nonet busybox true
  125 run --rm --memory 1k busybox true
  run --rm -i busybox cat <<< through the pipe
  run --rm -e A=b --env-file environment busybox sh -c 'echo $A $FROM_FILE'
  run --rm -w /tmp -u nobody busybox sh -c 'pwd; id -u'
  run --rm --hostname h --add-host x:1.2.3.4 busybox sh -c 'hostname; grep x /etc/hosts'
  run --rm -v vol:/data busybox sh -c 'echo kept >/data/x'
  run --rm -v vol:/data:ro busybox cat /data/x
  1 run --rm -v vol:/data:ro busybox touch /data/y
  run --rm --tmpfs /t:size=1m busybox sh -c 'df -k /t | tail -n 1 | tr -s " " | cut -d " " -f 2'
  run --rm --read-only busybox sh -c 'touch /x 2>/dev/null || echo read-only'
  run --rm --entrypoint echo busybox from the entrypoint
  run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n'
  run --rm --cpus 0.5 --memory 64m --pids-limit 50 busybox echo limited
  run --rm --label a=b --stop-signal KILL busybox echo labelled
  run --rm --privileged busybox sh -c 'mount -t tmpfs x /tmp && echo privileged'
  run --rm --cap-drop all busybox sh -c 'chown nobody /tmp 2>/dev/null || echo refused'
  run --rm full:v1
  `,
);

same(
  "containers",
  `
  create --name one --label k=v busybox sh -c 'echo started; exec sleep 1000'
  ps
  ps -a --format '{{.Names}} {{.Status}} {{.Image}}'
  start one
  ps --format '{{.Names}} {{.Image}} {{.Command}} {{.Labels}} {{.Ports}}'
  logs one
  exec one echo inside
  exec -e A=b -w /tmp -u nobody one sh -c 'echo $A; pwd; id -u'
  7 exec one sh -c 'exit 7'
  ~ 127 exec one nothere
  exec -d one touch /made
  exec -i one cat <<< typed
  ~ top one -o pid,comm
  inspect -f '{{.State.Status}} {{.Config.Cmd}} {{.HostConfig.NetworkMode}}' one
  1 inspect nothing
  cp file one:/tmp/file
  exec one cat /tmp/file
  cp one:/tmp/file -
  ~ diff one
  pause one
  ps --format '{{.Status}}'
  1 exec one true
  unpause one
  update --memory 64m --memory-swap 64m one
  inspect -f '{{.HostConfig.Memory}}' one
  rename one two
  1 rename two two
  port two
  stats --no-stream --format '{{.Name}}' two
  restart -t 0 two
  kill two
  wait two
  1 kill two
  ~ commit -m message two committed:v1
  image inspect -f '{{.Comment}} {{.Config.Cmd}}' committed:v1
  export -o exported two
  start two
  1 rm two
  stop -t 0 two
  stop two
  1 attach two
  rm two
  1 rm two
  run -d --name followed --restart no busybox sh -c 'echo a; sleep 0.3; echo b'
  logs -f followed
  logs --tail 1 followed
  logs -t followed
  wait followed
  ~ container prune -f
  1 logs followed
  run -d --name healthy --health-cmd true --health-interval 200ms busybox sleep 1000
  ~ exec healthy sleep 4
  inspect -f '{{.State.Health.Status}}' healthy
  ps --filter health=healthy --format '{{.Names}}'
  rm -f healthy
  `,
);

same(
  "images",
  `
  images --format '{{.Repository}}:{{.Tag}}'
  ~ images
  tag busybox other:v1
  1 tag nothing other
  image ls -q other
  history --format '{{.Comment}}' busybox
  image inspect -f '{{.Os}} {{.Config.Cmd}}' busybox
  1 image inspect nothing
  save -o saved other:v1
  rmi other:v1
  load -i saved
  import exported imported:v1
  run --rm imported:v1 cat /tmp/file
  1 rmi nothing
  image rm imported:v1 committed:v1
  ~ image prune -f
  ~ 1 pull localhost:1/some
  ~ 1 push localhost:1/some
  `,
);

same(
  "volumes and networks",
  `
  volume create --label a=b data
  volume ls --format '{{.Driver}} {{.Name}}' --filter label=a=b
  volume inspect -f '{{.Name}} {{.Driver}} {{.Labels}}' data
  1 volume inspect nothing
  volume rm data
  1 volume rm data
  network create --subnet 10.88.0.0/24 --label a=b net
  1 network create --subnet 10.88.0.0/24 again
  network ls --filter label=a=b --format '{{.Name}} {{.Driver}} {{.Scope}}'
  run -d --name on --network net --network-alias alias -p 127.0.0.1:18765:80 busybox sleep 1000
  port on
  inspect -f '{{(index .NetworkSettings.Networks "net").IPAddress}}' on
  run --rm --network net busybox sh -c 'nslookup alias. | grep -c 10.88'
  network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' net
  1 network rm net
  network disconnect net on
  network connect --ip 10.88.0.9 net on
  inspect -f '{{(index .NetworkSettings.Networks "net").IPAddress}}' on
  rm -f on
  network rm net
  1 network rm bridge
  ~ network prune -f
  ~ volume prune -a -f
  `,
);

same(
  "the system",
  `
  ~ version
  version -f '{{.Client.APIVersion}} {{.Server.APIVersion}} {{.Server.MinAPIVersion}}'
  ~ info
  info -f '{{.Driver}} {{.Swarm.LocalNodeState}}'
  events --since 1 --until 2
  ~ system df
  system df --format '{{.Type}}'
  1 node ls
  1 swarm leave
  plugin ls
  1 plugin inspect nothing
  1 inspect --type volume nothing
  ~ system prune -f
  `,
);
