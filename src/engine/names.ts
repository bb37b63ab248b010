/**
 * Names of containers.
 * @module
 */
import { randomInt } from "node:crypto";
import { failure } from "../errors/mod.ts";

const adjectives =
  "able agile amber apt awake balanced bold brave breezy bright brisk buoyant calm candid careful cheerful clear clever \
coastal cosmic cozy crisp curious daring deft diligent eager earnest easy elated faithful fearless festive fluent \
focused frank friendly gallant gentle glad graceful grand happy hardy honest hopeful humble inspired jolly jovial keen \
kind lively loyal lucid mellow merry modest neat nifty nimble noble patient peaceful placid playful polite proud prudent \
quick quiet radiant ready relaxed resolute robust serene sharp silent sincere sleek snug sober steady stoic sturdy sunny \
swift tender tidy tranquil trusty upbeat valiant vivid warm watchful wise witty zealous zesty";

/** Engineers, inventors and scientists, those of ships, locks, diving and containers among them. */
const surnames =
  "agnesi archimedes babbage bardeen bell bessemer boole borg braille brunel cerf clarke cousteau curie daimler \
darwin dijkstra drebbel edison eads eiffel erdos euclid euler faraday fermat feynman franklin fresnel fulton galileo \
gauss germain goodall hamilton heron herschel hertz hodgkin hopper huygens jacquard joliot joule kepler khayyam knuth \
kovalevskaya lamarr lamport leibniz lovelace lumiere maclean maxwell mclean meitner mendel mirzakhani morse napier newton \
nightingale nobel noether ohm papin pascal pasteur perlman piccard planck plimsoll ramanujan ride ritchie roebling \
shannon siebe smeaton sikorsky somerville stephenson swan telford tesla thompson torricelli triger turing volta watt \
whittle wright zhang zeppelin";

const first = adjectives.split(" ");
const second = surnames.split(" ");

/** A name like `keen_lovelace`; from the third attempt on with a digit at its end, as more and more are taken. */
export function randomName(attempt: number = 0): string {
  const name = `${first[randomInt(first.length)]}_${second[randomInt(second.length)]}`;
  return attempt < 2 ? name : `${name}${randomInt(10)}`;
}

/** Throws `invalid-parameter` in Docker's words if no container can have this name; `slash` is what they show before it. */
export function checkName(name: string, slash: "" | "/" = ""): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  const message = `Invalid container name (${slash}${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`;
  throw failure("invalid-parameter", { message });
}
