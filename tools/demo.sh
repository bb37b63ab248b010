#!/usr/bin/env bash
# `make demo`: starts an engine in a network namespace of its own, makes a real image from Debian's busybox-static, runs
# containers from it, says how long they took to start, and leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
caisson=$PWD/dist/caisson

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
ms() { awk -v us="$1" 'BEGIN{printf "%.1f ms", us / 1000}'; }
now() { echo "${EPOCHREALTIME/[.,]/}"; }

if ((EUID != 0)); then
  echo "make demo: an ordinary user's engine (rootless mode) is not supported by this version: run it as root" >&2
  exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/caisson-demo.XXXXXX")
engine=
finish() {
  if [[ -n $engine ]]; then
    # Containers outlive their engine: whoever interrupts the demo is left none either.
    "$caisson" ps -aq 2>/dev/null | xargs -r "$caisson" rm -f >/dev/null 2>&1 || true
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

export DOCKER_HOST=unix://$work/caisson.sock
c() { "$caisson" "$@"; }
# Shows a command as it would be typed, then runs it.
show() {
  printf '%s$ caisson' "$bold"
  local word
  for word; do if [[ $word =~ ^[A-Za-z0-9_./:=@-]+$ ]]; then printf ' %s' "$word"; else printf " '%s'" "$word"; fi; done
  printf '%s\n' "$plain"
  c "$@"
}

# Runs a program in the engine's network namespace, which is the host to its containers.
host() { nsenter --net="/proc/$engine/ns/net" "$@"; }

begin=$(date +%s)
title "An engine, in a network namespace of its own"
start=$(now)
unshare --net sh -c 'ip link set lo up; exec "$@"' sh "$caisson" daemon \
  -H "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/run" --pidfile "$work/pid" >"$work/log" 2>&1 &
engine=$!
until c version >/dev/null 2>&1; do
  if ! kill -0 "$engine" 2>/dev/null || (($(now) - start > 20000000)); then
    echo "the engine does not start:" >&2
    cat "$work/log" >&2
    exit 1
  fi
  sleep 0.02
done
say "answers after $(ms $(($(now) - start)))"
show version --format '{{.Server.Version}} on {{.Server.Os}}/{{.Server.Arch}} {{.Server.KernelVersion}}'

title "An image, from Debian's busybox-static"
mkdir -p "$work"/rootfs/{bin,dev,etc,proc,root,sys,tmp,var}
cp /bin/busybox "$work/rootfs/bin/busybox"
while read -r name; do [[ $name == busybox ]] || ln -s busybox "$work/rootfs/bin/$name"; done < <(/bin/busybox --list)
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$work/rootfs/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$work/rootfs/etc/group"
chmod 1777 "$work/rootfs/tmp"
say "its root file system, packed by tar:"
tar -C "$work/rootfs" --numeric-owner --owner=0 --group=0 -cf "$work/rootfs.tar" .
show import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' "$work/rootfs.tar" busybox:latest
show images

title "A container"
show run --rm --net=none busybox echo 'hello from a container'
show run -d --name demo --net=none busybox sleep 1000
show exec demo id
pid=$(c inspect --format '{{.State.Pid}}' demo)
say "the same process, seen from the host:"
awk '/^Uid:/{printf "uid %s on the host is root inside\n", $2}' "/proc/$pid/status"
say "its user ids (inside, outside, how many):"
cat "/proc/$pid/uid_map"
say "its namespaces:"
for name in user mnt pid net ipc uts; do
  [[ $(readlink "/proc/$pid/ns/$name") == "$(readlink "/proc/self/ns/$name")" ]] && own=shared || own='its own'
  printf '  %-5s %s\n' "$name" "$own"
done
shim=$(awk '/^PPid:/{print $2}' "/proc/$pid/status")
say "who holds it, when the engine is gone: $(tr '\0' ' ' <"/proc/$shim/cmdline" | cut -c1-30)…, $(
  awk '/^Private_Dirty:/{print $2}' "/proc/$shim/smaps_rollup"
) KiB of memory of its own"

title "Networks"
show run -d --name web -p 8080:80 busybox sh -c 'while true; do echo "hello from $(hostname)" | nc -l -p 80; done'
show port web
say "who connects to 127.0.0.1:8080 of the engine's host hears:"
for _ in $(seq 50); do
  heard=$(host bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080 && cat <&3' 2>/dev/null) && [[ -n $heard ]] && break
  sleep 0.1
done
echo "$heard"
[[ $heard == "hello from $(c inspect --format '{{.Config.Hostname}}' web)" ]]
show network create shop
show run -d --name db --net=shop --network-alias database busybox sleep 1000
show run --rm --net=shop busybox ping -c 1 database

title "What starting one does to the kernel"
c explain run --net=none busybox true >"$work/explain"
printf '%s$ caisson explain run --net=none busybox true%s\n' "$bold" "$plain"
awk '
  /^ *[0-9]+ +#/ { label = $0; next }
  { for (i = 1; i <= count; i++) if (index($0, " " wanted[i]) && !seen[i]++) print label "\n" $0 }
  BEGIN { count = split("clone(|pivot_root(|seccomp(|capset(|execve(\"/bin/true|fsopen(\"overlay|mount_setattr(<layer 0>", wanted, "|") }
' "$work/explain" | sed "s|$work|…|g" | cut -c1-140
say "7 of $(grep -cE '^ *[0-9]+ +#' "$work/explain") steps; nothing of it was done"

title "How long it takes"
times=()
for _ in 1 2 3 4 5 6 7 8 9 10 11; do
  start=$(now)
  c run --rm --net=none busybox true
  times+=($(($(now) - start)))
done
median=$(printf '%s\n' "${times[@]:1}" | sort -n | sed -n 5p)
starts=()
for i in 1 2 3 4 5 6 7 8 9 10; do
  c run --name "timed$i" --net=none busybox true
  read -r created started < <(c inspect --format '{{.Created}} {{.State.StartedAt}}' "timed$i")
  starts+=($((($(date -d "$started" +%s%N) - $(date -d "$created" +%s%N)) / 1000)))
done
start_median=$(printf '%s\n' "${starts[@]}" | sort -n | sed -n 5p)
printf 'container started, from the request until its program runs:   %s (median of 10)\n' "$(ms "$start_median")"
printf 'the whole command caisson run --rm busybox true:              %s the first, %s the median of 10 more\n' \
  "$(ms "${times[0]}")" "$(ms "$median")"

title "Leaving nothing"
c events --since "$begin" --until "$(($(date +%s) + 1))" --filter event=create --format '{{.ID}}' >"$work/ids"
c ps -aq | xargs "$caisson" rm -f >/dev/null
c network rm shop >/dev/null
c rmi busybox:latest >/dev/null
for _ in $(seq 50); do
  links=$(host ip -o link | grep -c 'veth\|br-' || true)
  ((links == 0)) && break
  sleep 0.1
done
kill "$engine"
wait "$engine" 2>/dev/null || true
engine=
processes() { grep -lzFf "$work/ids" /proc/[0-9]*/cmdline 2>/dev/null | wc -l; }
for _ in $(seq 50); do
  (($(processes) == 0)) && [[ ! -e /proc/$pid ]] && break
  sleep 0.1
done
cgroups=$(find /sys/fs/cgroup -type d 2>/dev/null | grep -cFf "$work/ids" || true)
mounts=$(grep -cF "$work" /proc/self/mountinfo || true)
files=$(find "$work/run/containers" "$work/data/containers" "$work/data/overlay2/containers" -mindepth 1 2>/dev/null | wc -l)
printf '%d containers were made; %d processes, %d cgroups, %d mounts, %d links, %d files of theirs are left\n' \
  "$(wc -l <"$work/ids")" "$(processes)" "$cgroups" "$mounts" "$links" "$files"
(($(processes) + cgroups + mounts + links + files == 0))
