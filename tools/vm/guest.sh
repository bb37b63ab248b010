#!/bin/sh
# Runs in the virtual machine, as root, when it is up: the tests that the kernel's command line names (`caisson.tests=A,B`).
# Everything that it prints goes to the second serial line, to tools/vm/run.ts.
tests=$(sed -n 's/.*caisson\.tests=\([^ ]*\).*/\1/p' /proc/cmdline | tr , ' ')
cd /work || exit 1
stty -F /dev/ttyS1 raw
ip link set lo up
modprobe --all bfq sctp
export HOME=/root PATH=/work/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin NO_COLOR=1 CAISSON_PEERS=/work/peers
# Emulated, code that is compiled while it runs is slower than code that is interpreted.
export CAISSON_TEST_PATIENCE=10 BUN_JSC_useJIT=0
# shellcheck disable=SC2086
exec bun tools/run-tests.ts $tests
