#!/usr/bin/perl
# hang NUMBER DIRECTORY: mounts a FUSE file system there that never answers; NUMBER is mount's.
use strict;
my ($mount, $directory) = @ARGV;
$^F = 9;
sysopen(my $fuse, '/dev/fuse', 2) or die "/dev/fuse: $!\n";
# `syscall` takes no constants for texts.
my ($source, $type) = ('hang', 'fuse');
my $options = 'fd=' . fileno($fuse) . ',rootmode=40000,user_id=0,group_id=0,allow_other';
syscall($mount + 0, $source, $directory, $type, 0, $options) == 0 or die "mount: $!\n";
sleep;
