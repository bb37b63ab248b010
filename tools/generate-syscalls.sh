#!/usr/bin/env bash
# Writes src/kernel/syscalls/tables/*.ts: the system-call numbers of every architecture, from the newest kernel
# headers that Debian has (suite $SUITE). Nothing is installed: packages are fetched with package lists of their own
# and unpacked into a temporary folder. The 31-bit s390 table is no longer among them and comes from Debian 12.
set -euo pipefail
cd "$(dirname "$0")/.."
out=src/kernel/syscalls/tables
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

fetch() { # fetch SUITE PACKAGE: unpacks it into $work/PACKAGE
  local d=$work/apt-$1
  mkdir -p "$d"/{lists,archives}/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${MIRROR:-http://deb.debian.org/debian} $1 main" >"$d/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$d/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$d/lists" -o "Dir::Cache::archives=$d/archives" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache="
    -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$d" && "${apt[@]}" download "$2" && dpkg -x "$2"_*.deb "$work/$2")
}

# table NAME BASE FILE [EXTRA…]: BASE is added to the numbers that the header gives relative to a symbol; EXTRA are
# "number name" pairs (the ARM private calls) or "number name=alias" for a second name of a number.
table() {
  local name=$1 base=$2 file=$3
  shift 3
  {
    echo "/** System calls of $name. Written by tools/generate-syscalls.sh: do not edit. */"
    echo "export const ${name}: string = \`"
    {
      # "#define __NR_open 5", "(__NR_Linux + 5)", "(__X32_SYSCALL_BIT + 5)"
      sed -nE "s/^#define[ \t]+__NR_([a-z_][a-z0-9_]*)[ \t]+\(?(__[A-Za-z0-9_]+[ \t]*\+[ \t]*)?([0-9]+)\)?.*/\3 \1/p" "$file" |
        grep -vE ' (Linux|syscalls)$' |
        awk -v base="$base" '{ print base + $1, $2 }'
      for extra in "$@"; do echo "$extra"; done
    } | sort -n -s -k1,1 | awk '
      BEGIN { last = -1 }
      # One number before each run of names; a second name of the same number is joined to the first by "=".
      $1 == last { names = names "=" $2; next }
      { flush(); last = $1; number = $1; names = $2 }
      function flush() { if (names == "") return; if (number != expected) print number; print names; expected = number + 1 }
      END { flush() }' | fmt -w 108
    echo "\`;"
  } >"$out/$name.ts"
}

fetch "${SUITE:-forky}" linux-libc-dev
fetch bookworm linux-libc-dev-s390x-cross
uapi=$work/linux-libc-dev/usr/lib/linux/uapi
table x86_64 0 "$uapi/x86/asm/unistd_64.h"
table x86 0 "$uapi/x86/asm/unistd_32.h"
table x32 $((0x40000000)) "$uapi/x86/asm/unistd_x32.h"
table aarch64 0 "$uapi/arm64/asm/unistd_64.h"
# asm/unistd.h defines the ARM private calls under another prefix, and a second name for 341.
table arm 0 "$uapi/arm/asm/unistd-eabi.h" "341 sync_file_range2" $((0xf0001))" breakpoint" $((0xf0002))" cacheflush" \
  $((0xf0003))" usr26" $((0xf0004))" usr32" $((0xf0005))" set_tls" $((0xf0006))" get_tls"
table mips 4000 "$uapi/mips/asm/unistd_o32.h"
table mips64 5000 "$uapi/mips/asm/unistd_n64.h"
table mips64n32 6000 "$uapi/mips/asm/unistd_n32.h"
table ppc 0 "$uapi/powerpc/asm/unistd_32.h"
table ppc64 0 "$uapi/powerpc/asm/unistd_64.h"
table s390x 0 "$uapi/s390/asm/unistd_64.h"
table s390 0 "$work/linux-libc-dev-s390x-cross/usr/s390x-linux-gnu/include/asm/unistd_32.h"
table riscv64 0 "$uapi/riscv/asm/unistd_64.h"
table loongarch64 0 "$uapi/loongarch/asm/unistd_64.h"
