/* Role `docker-init`; see init.c. */
#pragma once

#include "native.h"

int init_main(int argc, char **argv);
