/**
 * Where things lie in the resolver's directory.
 * @module
 */

/** Where relays connect. */
export const relaySocket = (directory: string): string => `${directory}/relay.sock`;
/** Where an engine connects. */
export const controlSocket = (directory: string): string => `${directory}/control.sock`;
/** Names the process that answers. */
export const lockFile = (directory: string): string => `${directory}/pid`;
/** What the resolver was told last. */
export const stateFile = (directory: string): string => `${directory}/state.json`;
/** Last words of a resolver that failed. */
export const logFile = (directory: string): string => `${directory}/log`;
