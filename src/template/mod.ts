/**
 * Go templates, of --format and of log tags: text/template without definitions and blocks, with docker's functions.
 * @module
 */
export { Template, type EvaluateOptions, type Nothing } from "./evaluate.ts";
export { headerFunctions } from "./functions.ts";
export { Row } from "./row.ts";
