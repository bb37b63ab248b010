/**
 * The flags of docker's command line, one by one on both engines; docker-cli.test.ts has what people do all day.
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dockerPath, noDocker } from "../../support/docker.ts";
import { comparing } from "./both.ts";

const same = comparing({
  program: dockerPath,
  missing: noDocker,
  prepare: (folder) => {
    writeFileSync(join(folder, "file"), "from the host\n");
    writeFileSync(join(folder, "environment"), "FROM_FILE=yes\n# a comment\n");
    writeFileSync(join(folder, "labels"), "from=file\n");
    mkdirSync(join(folder, "tree/deep"), { recursive: true });
    writeFileSync(join(folder, "tree/deep/leaf"), "leaf\n");
  },
});

same(
  "flags of run",
  `
  run -d --name f1 --cidfile cid --restart no --oom-score-adj 500 busybox sleep 1000
  inspect -f '{{.HostConfig.OomScoreAdj}}' f1
  exec f1 cat /proc/1/comm
  rm -f f1
  125 run --cidfile cid busybox true
  run --rm --annotation a=b --attach stdout busybox echo attached
  run --rm -a stderr busybox sh -c 'echo out; echo err >&2'
  run --rm --cap-add net_admin --cap-drop mknod busybox sh -c 'grep CapPrm /proc/1/status'
  run --rm --cgroupns host busybox echo cgroupns
  run --rm --cpu-shares 512 --cpu-period 50000 --cpu-quota 25000 --cpuset-cpus 0 --cpuset-mems 0 busybox cat /sys/fs/cgroup/cpu/cpu.shares
  run --rm --memory 64m --memory-swap 128m --memory-reservation 32m --memory-swappiness 10 busybox cat /sys/fs/cgroup/memory/memory.limit_in_bytes
  run --rm --device /dev/null:/dev/nix:r busybox test -c /dev/nix
  127 run --rm --device /dev/nothere busybox true
  run --rm --device-cgroup-rule 'c 1:3 rwm' busybox true
  125 run --rm --device-read-bps x busybox true
  run --rm --dns 192.0.2.1 --dns-search example.org --dns-option ndots:2 busybox cat /etc/resolv.conf
  run --rm --domainname example.org --hostname here busybox hostname -f
  run --rm --expose 80 --expose 81/udp busybox true
  125 run --rm --expose x busybox true
  run --rm --group-add 99 busybox id -G
  run --rm --health-cmd true --health-interval 1s --health-retries 2 --health-timeout 1s --health-start-period 1s --health-start-interval 1s busybox true
  run --rm --no-healthcheck busybox true
  125 run --rm --ip 172.17.0.99 busybox true
  run --rm --ipc private busybox true
  run --rm --ipc shareable busybox true
  125 run --rm --ipc strange busybox true
  run --rm --isolation default busybox true
  run --rm --label-file labels --label l busybox true
  run --rm --log-driver local busybox echo logged
  run --rm --log-opt max-size=1m --log-opt max-file=2 busybox echo logged
  125 run --rm --log-opt strange=1 busybox true
  run --rm --mac-address 02:00:00:00:00:01 busybox cat /sys/class/net/eth0/address
  run --rm --mount type=tmpfs,target=/t,tmpfs-size=1m busybox sh -c 'df -k /t | tail -n 1 | tr -s " " | cut -d " " -f 2'
  run --rm --mount type=volume,source=mounted,target=/m busybox touch /m/x
  run --rm --mount type=volume,source=mounted,target=/m,readonly busybox ls /m
  125 run --rm --mount type=strange,target=/m busybox true
  125 run --rm --mount target busybox true
  run --rm --mount type=bind,source=/usr,target=/u,readonly,bind-propagation=rprivate busybox test -d /u/bin
  125 run --rm --mount type=bind,source=/nothere,target=/u busybox true
  run --rm --network none busybox ip -o link show
  run --rm --network host busybox true
  125 run --rm --network-alias x busybox true
  run --rm --pid host busybox true
  125 run --rm --pid strange busybox true
  run --rm --pids-limit 33 busybox cat /sys/fs/cgroup/pids/pids.max
  run --rm --platform linux/amd64 busybox true
  125 run --rm --platform linux/s390x --pull never busybox true
  run -d --name pub --publish 127.0.0.1:18766:80 --publish-all --expose 90 busybox sleep 1000
  port pub 80
  1 port pub 77
  rm -f pub
  125 run --rm --pull always 127.0.0.1:1/busybox true
  125 run --rm --pull strange busybox true
  run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/1/status
  125 run --rm --security-opt strange busybox true
  run --rm --shm-size 1m busybox sh -c 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2'
  run --rm --sig-proxy=false busybox true
  run --rm --stop-timeout 1 busybox true
  125 run --rm --storage-opt size=1g busybox true
  run --rm --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward
  run --rm --userns host busybox cat /proc/self/uid_map
  run --rm --uts host busybox true
  run --rm --volume-driver local --volume driven:/d busybox touch /d/x
  run -d --name source --volume from:/from busybox sleep 1000
  run --rm --volumes-from source:ro busybox ls -d /from
  run --rm --link source:alias busybox sh -c 'grep -c alias /etc/hosts'
  rm -f -v source
  125 run --nothing busybox
  1 run
  run --rm -q --use-api-socket=false busybox true
  1 create --name 'b@d' busybox
  125 run --memory-swap 1m --memory 2m busybox true
  125 run --restart always --rm busybox true
  125 run --network container:nobody busybox true
  run --rm --hostname '-x' --network host busybox true
  run --rm --blkio-weight 5 busybox true
  125 run --ulimit strange=1 busybox true
  125 run --env-file nothere busybox true
  125 run -v /a:/b:strange busybox true
  125 run --gpus all busybox true
  125 run --runtime nothere busybox true
  `,
);

same(
  "flags of the other commands of containers",
  `
  create --name g1 --label k=v --stop-signal KILL busybox sh -c 'echo one; echo two; exec sleep 1000'
  start -a=false g1
  ps -q --no-trunc --filter name=g1
  ps -n 1 --format '{{.Names}}'
  ps -l --format json --filter name=nothing
  ps -a --size --format '{{.Names}}' --filter label=k=v
  ps --filter status=running --filter ancestor=busybox --format 'table {{.Names}}\\t{{.Image}}'
  1 ps --filter strange=x
  1 ps --filter status=strange
  logs -n 1 g1
  logs --since 2000-01-01 --until 2100-01-01 g1
  logs --details -t g1
  1 logs --since strange g1
  1 logs nothing
  exec --detach-keys ctrl-x,x g1 echo keys
  exec --env-file environment --privileged --user 65534:65534 --workdir /tmp g1 sh -c 'id -u; pwd; echo $FROM_FILE'
  exec -t=false -i=false g1 echo no terminal
  1 exec nothing true
  cp -q tree g1:/tmp
  exec g1 cat /tmp/tree/deep/leaf
  cp g1:/tmp/tree out
  cp -a g1:/tmp/tree/deep/leaf out/again
  cp -L file g1:/tmp/followed
  1 cp nothere g1:/tmp
  1 cp g1:/nothere .
  1 cp g1:/tmp
  1 cp file nothing:/tmp
  1 cp g1:/tmp g1:/var
  update --cpus 0.5 --pids-limit 20 --restart on-failure:2 g1
  inspect -f '{{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy}}' g1
  1 update --memory 1k g1
  1 update --restart strange g1
  inspect -s -f '{{.Name}}' g1
  inspect --type container -f '{{json .Config.Labels}}' g1
  container inspect -f '{{.Config.Image}}' g1
  1 inspect -f '{{.Nothing}}' g1
  64 inspect -f '{{' g1
  stats --no-stream --no-trunc --format '{{.Name}} {{.PIDs}}' g1
  stats -a --no-stream --format '{{.Name}}' g1
  ~ top g1 -o comm,pid,args
  1 top g1 --strange
  port g1
  kill -s WINCH g1
  1 kill -s STRANGE g1
  restart -s KILL -t 1 g1
  stop -s KILL -t 1 g1
  wait g1
  1 wait nothing
  ~ commit -a me -c 'ENV A=b' -m why -p=false g1 made:v1
  1 commit nothing
  1 commit -c 'STRANGE x' g1
  1 start nothing
  1 stop nothing
  1 restart nothing
  1 pause nothing
  1 unpause nothing
  1 rename nothing something
  1 rm nothing
  rm -f nothing
  1 rm -l g1
  1 diff nothing
  1 export nothing
  1 attach nothing
  1 port nothing
  rm -v g1
  1 ps extra
  1 rm
  1 container frobnicate
  container prune --filter label=nothing -f
  1 container prune --filter strange=x -f
  ~ container ls --format '{{json .Names}}' --last 1
  rmi made:v1
  `,
);

same(
  "flags of images",
  `
  image ls --digests --format '{{.Repository}} {{.Digest}}' busybox
  images -a --no-trunc -q busybox
  images --filter reference=busy* --format '{{.Repository}}:{{.Tag}}'
  images --filter dangling=true
  1 images --filter strange=x
  images --format json nothing
  images --format '{{json .Repository}}' busybox
  image history --no-trunc --format '{{.CreatedBy}}' full:v1
  history -q full:v1
  history -H=false --format '{{.Size}}' busybox
  1 history nothing
  image inspect -f '{{json .Config.Labels}}' full:v1
  save -o two.tar busybox full:v1
  1 save nothing
  # dockerd saves several images in no order.
  ~ load -q -i two.tar
  1 load -i nothere
  # The text says where the archive ends.
  ~ 1 load -i file
  ~ import -c 'CMD ["x"]' -m why two.tar imported:v2
  1 import nothere
  image rm imported:v2
  rmi -f nothing
  tag full:v1 again:v1
  rmi --no-prune again:v1
  1 tag busybox 'B@D'
  image prune -f --filter label=nothing
  1 image prune -f --filter strange=x
  1 pull -q 127.0.0.1:1/nothing
  1 pull -a 127.0.0.1:1/nothing
  1 pull B@D
  1 push -q 127.0.0.1:1/nothing
  1 push nothing@sha256:0
  1 search --limit 1000 x
  1 search --filter strange=x x
  1 login -u a -p b 127.0.0.1:1
  ~ logout 127.0.0.1:1
  1 image frobnicate
  `,
);

same(
  "flags of volumes, networks and the system",
  `
  volume create -d local --label l=m -o type=tmpfs -o device=tmpfs -o o=size=1m v1
  volume inspect -f '{{json .Options}} {{json .Labels}}' v1
  volume ls -q -f name=v1
  volume ls -f dangling=true -f label=l --format '{{.Name}} {{.Labels}}'
  1 volume ls -f strange=x
  1 volume create -d nothere v2
  1 volume create -o strange=x v2
  1 volume create 'b@d'
  volume rm -f v1 nothing
  1 volume rm nothing
  volume prune -f --filter label=nothing
  1 volume prune -f --filter strange=x
  network create -d bridge --attachable --aux-address h=10.90.0.9 --gateway 10.90.0.1 --ip-range 10.90.0.0/25 --subnet 10.90.0.0/24 --internal --label l=m -o com.docker.network.driver.mtu=1400 n1
  network inspect -f '{{json .IPAM.Config}} {{.Internal}} {{.Attachable}} {{json .Options}} {{json .Labels}}' n1
  network inspect -v -f '{{.Name}}' n1
  network ls -f driver=bridge -f name=n1 --format '{{.Name}} {{.Internal}} {{.Labels}}'
  network ls -q --no-trunc -f name=n1
  network create --ipv6 --subnet fd90::/64 n2
  network inspect -f '{{.EnableIPv6}} {{.EnableIPv4}}' n2
  network create --config-only --subnet 10.91.0.0/24 model
  network create --config-from model n3
  1 network create -d nothere n4
  1 network create --subnet strange n4
  1 network create --gateway 10.0.0.1 n4
  1 network create n1
  1 network create --scope swarm n4
  create --name on busybox
  network connect --alias a --ip 10.90.0.50 --link x:y --driver-opt o=p --gw-priority 5 n1 on
  inspect -f '{{with index .NetworkSettings.Networks "n1"}}{{json .Aliases}} {{json .IPAMConfig}} {{json .Links}} {{json .DriverOpts}} {{.GwPriority}}{{end}}' on
  network connect n1 on
  # dockerd looks at this only when the container starts.
  ! 1 network connect nothing on
  1 network connect n1 nothing
  1 network connect --ip 10.99.0.1 n2 on
  network disconnect -f n1 on
  1 network disconnect n1 on
  rm on
  network rm n3 model n2 n1
  1 network rm nothing
  network rm -f nothing
  network prune -f --filter label=nothing
  1 network prune -f --filter strange=x
  # dockerd has containers left that couldn't be started.
  ~ system df --format '{{.Type}} {{.Active}}'
  ~ system df -v
  system df -v --format strange
  system events --since 1 --until 2 --format '{{json .}}'
  1 system events --since strange
  events --filter strange=x --since 1 --until 2
  system info -f '{{.Driver}} {{.LoggingDriver}} {{.CgroupDriver}} {{.OSType}}'
  system prune -f --filter label=nothing
  1 system prune -f --filter strange=x
  1 system prune -a -f --volumes --filter until=1h
  ~ version -f json
  `,
);

same(
  "contexts",
  `
  context ls --format '{{.Name}} {{.Current}}'
  context show
  context create other --description some --docker host=tcp://127.0.0.1:2375
  1 context create other
  1 context create 'b@d'
  1 context create wrong --docker strange=x
  context inspect -f '{{.Name}} {{json .Endpoints.docker.Host}}' other
  context ls -q
  context update other --description changed
  context export other out.dockercontext
  context import copy out.dockercontext
  1 context import copy out.dockercontext
  context rm copy other
  1 context rm nothing
  1 context use nothing
  context use default
  1 context inspect nothing
  `,
);
