/* The role `relay`: passes a container's DNS queries on to the engine's resolver, and its answers back. */
#pragma once

/* Returns the exit status. */
int relay_main(int argc, char **argv);
