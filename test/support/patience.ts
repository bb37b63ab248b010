/**
 * How much longer than on a developer's machine things may take here.
 * @module
 */

/** 1, or what CAISSON_TEST_PATIENCE says: in an emulated machine everything is many times slower. */
export const patience: number = Number(process.env["CAISSON_TEST_PATIENCE"] ?? 1);
