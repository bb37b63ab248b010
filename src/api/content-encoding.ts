/**
 * Which compression a client takes (RFC 9110, section 12.5.3), chosen as dockerd chooses: by the client's weights, the
 * earlier offer where they are equal.
 * @module
 */

/** The best of the offers for the header's value; undefined if it names none, or refuses them. */
export function negotiateEncoding<T extends string>(
  header: string | undefined,
  offers: readonly T[],
): T | undefined {
  let best: T | undefined;
  let weight = 0;
  const accepted = (header ?? "").split(",").map(parseItem);
  for (const offer of offers)
    for (const { coding, quality } of accepted)
      if ((coding === offer || coding === "*") && quality > weight) {
        best = offer;
        weight = quality;
      }
  return best;
}

function parseItem(text: string): { readonly coding: string; readonly quality: number } {
  const [coding = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return { coding, quality: Number.isNaN(quality) ? 0 : quality };
}
