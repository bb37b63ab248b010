#!/usr/bin/env bash
# Makes what a virtual machine boots, once: `tools/vm/image.sh` prints the folder with
#   root.ext4              Debian 12 with systemd and the modules of both kernels
#   debian/, newest/       vmlinuz and initrd of Debian 12's kernel, and of the newest that Debian has
# The folder lies in CAISSON_VM (/var/tmp/caisson-vm) and is named after this script's content: a change makes it anew.
set -euo pipefail

SUITE=bookworm
NEWEST=forky
cache=${CAISSON_VM:-/var/tmp/caisson-vm}
key=/usr/share/keyrings/debian-archive-keyring.gpg
include=systemd,systemd-sysv,dbus,kmod,iproute2,nftables,iptables,util-linux,procps,busybox-static,apparmor,xz-utils,zstd,bzip2

[[ $(uname -m) == x86_64 ]] || { echo "vm: this needs Debian's cloud kernel and qemu-system-x86, on x86-64" >&2; exit 2; }
((EUID == 0)) || { echo "vm: making a root file system needs root" >&2; exit 2; }

# What is mounted on the way is mounted in a namespace of its own, whatever becomes of this.
[[ ${1:-} == inside ]] || exec unshare --mount --propagation private --fork --kill-child "$0" inside

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
image=$cache/$(sha256sum <"$0" | cut -c 1-16)
if [[ -e $image ]]; then echo "$image"; exit; fi

work=$(mktemp -d "$cache/making.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root out=$work/image
mkdir -p "$out"

mirror() {
  { awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null
    awk '/^deb /{for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}' /etc/apt/sources.list 2>/dev/null; } | head -n 1
}

apt_() { # apt_ COMMAND…: with the lists of one suite alone, in $lists
  "$1" -qq -o Dir::Etc::sourcelist="$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$lists/lists" -o Dir::Cache="$lists/cache" -o APT::Sandbox::User=root "${@:2}"
}

kernel() { # kernel SUITE NAME: unpacks its cloud kernel's modules into the root, puts vmlinuz and initrd into $out/NAME
  local suite=$1 to=$out/$2 unpacked=$work/$2 names version modules
  lists=$work/apt-$suite
  mkdir -p "$to" "$unpacked" "$lists"/lists/partial "$lists"/cache/archives/partial
  echo "deb [signed-by=$key] $(mirror) $suite main" >"$lists/sources.list"
  apt_ apt-get update >&2
  # The kernel alone, without what makes an initrd: it is made here, of what this machine needs.
  mapfile -t names < <(apt_ apt-cache depends --recurse linux-image-cloud-amd64 | grep -E '^linux-(base|image|binary|modules)-[0-9].*-cloud-amd64$' | sort -u)
  (cd "$unpacked" && apt_ apt-get download "${names[@]}" >&2)
  for package in "$unpacked"/*.deb; do dpkg-deb --fsys-tarfile "$package" | tar -x -C "$unpacked"; done
  # Newer packages have the kernel beside its modules, below /usr.
  modules=$(find "$unpacked" -path '*/lib/modules/*' -prune -type d)
  version=$(basename "$modules")
  mv "$(find "$unpacked" -name 'vmlinuz*' -type f)" "$to/vmlinuz"
  mkdir -p "$root/lib/modules"
  mv "$modules" "$root/lib/modules/$version"
  chroot "$root" depmod "$version"
  initrd "$version" "$to/initrd"
}

initrd() { # initrd VERSION FILE: busybox, and the modules that the root's disk needs
  local version=$1 tree=$work/initrd-$1 module
  mkdir -p "$tree"/{bin,dev,modules,root}
  cp "$root/bin/busybox" "$tree/bin/busybox"
  : >"$tree/order"
  while read -r module; do
    grep -qxF "${module##*/}" "$tree/order" && continue
    if [[ $module == *.xz ]]; then xz -dc "$root$module" >"$tree/modules/$(basename "$module" .xz)"; else cp "$root$module" "$tree/modules/"; fi
    echo "${module##*/}" >>"$tree/order"
  done < <(chroot "$root" modprobe --set-version "$version" --show-depends --all virtio_pci virtio_blk ext4 | awk '$1 == "insmod" {print $2}')
  sed -i 's/\.xz$//' "$tree/order"
  cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
while read -r module; do /bin/busybox insmod "/modules/$module"; done </order
/bin/busybox mount -t ext4 /dev/vda /root || /bin/busybox poweroff -f
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
INIT
  chmod 755 "$tree/init"
  (cd "$tree" && find . | /bin/busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$2"
}

echo "vm: making Debian's root (some minutes, once)" >&2
mmdebstrap --quiet --mode=root --variant=minbase --include="$include" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
  "$SUITE" "$root" "deb [signed-by=$key] $(mirror) $SUITE main" >&2
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
echo "vm: taking the kernels" >&2
kernel "$SUITE" debian
kernel "$NEWEST" newest

echo caisson-vm >"$root/etc/hostname"
echo uninitialized >"$root/etc/machine-id"
mkdir -p "$root/work"
for unit in serial-getty@ttyS0 serial-getty@ttyS1 getty@tty1 console-getty; do ln -sf /dev/null "$root/etc/systemd/system/$unit.service"; done
for unit in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim man-db systemd-tmpfiles-clean; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit.timer"
done
# The second disk is the repository. What guest.sh prints is the second serial line; the first is the console.
cat >"$root/etc/systemd/system/caisson-tests.service" <<'UNIT'
[Unit]
Description=caisson's tests
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mount -o ro /dev/vdb /work && exec /work/tools/vm/guest.sh >/dev/ttyS1 2>&1'
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../caisson-tests.service "$root/etc/systemd/system/multi-user.target.wants/caisson-tests.service"

mke2fs -q -t ext4 -L root -O ^has_journal -d "$root" "$out/root.ext4" 3G >&2
mv "$out" "$image"
find "$cache" -mindepth 1 -maxdepth 1 -type d ! -path "$image" ! -name 'making.*' ! -name 'run.*' -exec rm -rf {} +
echo "$image"
