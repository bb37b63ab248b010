#!/usr/bin/env bash
# Installs what is missing, and only that: `tools/deps.sh build|test|bench|vm|conformance`. Debian packages by apt-get, which needs root
# and the package lists only if something is missing; JavaScript packages by npm, as package-lock.json says.
# Nothing is done, in some hundredths of a second, when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."

# PACKAGE:what tells that it is there (a command, or a file)
build=(gcc:gcc libc6-dev:/usr/include/stdlib.h linux-libc-dev:/usr/include/linux/mount.h musl-tools:musl-gcc busybox-static:busybox
  iproute2:ip util-linux:unshare procps:ps nftables:nft)
test=(clang:clang iptables:iptables docker-registry:docker-registry skopeo:skopeo bzip2:bzip2 xz-utils:xz zstd:zstd python3:python3 perl-base:perl
  containernetworking-plugins:/usr/lib/cni/bridge openssl:openssl curl:curl)
bench=(curl:curl runc:runc crun:crun iptables:iptables iperf3:iperf3)
vm=(qemu-system-x86:qemu-system-x86_64 mmdebstrap:mmdebstrap e2fsprogs:mke2fs debian-archive-keyring:/usr/share/keyrings/debian-archive-keyring.gpg)
conformance=(python3-docker:/usr/lib/python3/dist-packages/docker/__init__.py nodejs:node)

retry() { # retry COMMAND…: three times, networks fail
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    ((attempt == 3)) || { echo "deps: '$*' failed, trying again" >&2; sleep $((attempt * 3)); }
  done
  echo "deps: '$*' failed three times" >&2
  return 1
}

here() { # here WHAT: whether the command or the file is there
  if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}

# busybox-static and busybox bring the same command: only the static one makes an image.
static_busybox() { [[ -x /bin/busybox ]] && ! head -c 2048 /bin/busybox | grep -q ld-linux; }

# The fuzzer's run-time library comes with libclang-rt-N-dev, named after clang's version.
fuzzer_package() {
  local directory version
  directory=$(clang -print-resource-dir)
  compgen -G "$directory/lib/linux/libclang_rt.fuzzer-*" >/dev/null && return
  version=$(clang -dumpversion)
  echo "libclang-rt-${version%%.*}-dev"
}

install_debian() {
  local missing=("$@")
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    echo "deps: missing packages: ${missing[*]}; install them, or run as root" >&2
    return 1
  fi
  echo "deps: apt-get install ${missing[*]}" >&2
  # Lists that are there may be good enough; when they are not, fetching fresh ones is the remedy.
  apt_install "${missing[@]}" 2>/dev/null && return 0
  retry apt-get -qq update >&2
  retry apt_install "${missing[@]}"
}

apt_install() {
  # docker-registry and others start services on installation; nothing is to run here.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -y --no-install-recommends \
    -o Dpkg::Options::=--path-exclude='/usr/share/man/*' -o Dpkg::Use-Pty=0 install "$@" >&2
}

debian() { # debian PACKAGE:WHAT…
  local missing=() entry
  for entry; do
    [[ $entry == busybox-static:* ]] && { static_busybox || missing+=(busybox-static); continue; }
    here "${entry#*:}" || missing+=("${entry%%:*}")
  done
  install_debian "${missing[@]}"
}

javascript() {
  if [[ ! -e node_modules/.package-lock.json || package-lock.json -nt node_modules/.package-lock.json ]]; then
    echo "deps: npm install" >&2
    # Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms, and not every registry has
    # those. The versions and digests in the lock file hold for `npm install` too. No package runs a script of its own.
    retry npm install --no-save --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error >&2
    touch node_modules/.package-lock.json
  fi
  # Bun's npm package is a stub until its script has put the platform's binary into its place. It is the only one run.
  if [[ $(wc -c <node_modules/bun/bin/bun.exe) -lt 1000000 ]]; then node node_modules/bun/install.js; fi
}

case ${1:-} in
build)
  debian "${build[@]}"
  javascript
  ;;
test)
  debian "${test[@]}"
  fuzzer=$(fuzzer_package)
  [[ -z $fuzzer ]] || install_debian "$fuzzer"
  ;;
bench) debian "${bench[@]}" ;;
vm) debian "${vm[@]}" ;;
conformance) debian "${conformance[@]}" ;;
*)
  echo "usage: tools/deps.sh build|test|bench|vm|conformance" >&2
  exit 2
  ;;
esac
