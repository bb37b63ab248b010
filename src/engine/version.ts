/**
 * Versions that the engine goes by.
 * @module
 */
import manifest from "../../package.json" with { type: "json" };

/** The dockerd whose behaviour is followed. */
export const dockerVersion: string = "28.5.2";

/** What clients are told: Docker's version, marked as not being dockerd. */
export const serverVersion: string = `${dockerVersion}-caisson`;

/** The newest version of the API. */
export const apiVersion: string = "1.51";

/** The oldest version of the API that is answered. */
export const minApiVersion: string = "1.24";

/** This program's own version. */
export const caissonVersion: string = manifest.version;
