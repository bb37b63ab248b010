/**
 * Go templates for --format: text/template without definitions and blocks, with docker's functions.
 * @module
 */
export { Template, type EvaluateOptions } from "./evaluate.ts";
export { headerFunctions } from "./functions.ts";
export { Row } from "./row.ts";
