/**
 * The order of names in docker's lists: by their characters, numbers inside of them by their value.
 * @module
 */

/** Negative when `a` comes first: `n2` before `n10`, `1` before `01`, digits before all else, capitals before small letters. */
export function naturalOrder(a: string, b: string): number {
  const left = pieces(a);
  const right = pieces(b);
  for (const [i, one] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const difference =
      isNumber(one) && isNumber(other)
        ? byValue(one, other)
        : Number(isNumber(other)) - Number(isNumber(one)) || byText(one, other);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function pieces(text: string): readonly string[] {
  return text.match(/\d+|\D/gu) ?? [];
}

function isNumber(piece: string): boolean {
  return /^\d/.test(piece);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byValue(a: string, b: string): number {
  const [one, other] = [a, b].map((text) => text.replace(/^0+/, "")) as [string, string];
  return one.length - other.length || byText(one, other) || a.length - b.length;
}
