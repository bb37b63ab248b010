/**
 * The attribute `security.capability`. One that was set in a user namespace names its root (revision 3); inside, and in an
 * image, it is of revision 2, which doesn't (capabilities(7), "File capability extended attribute versioning").
 * @module
 */

const revision2 = 0x02;
const revision3 = 0x03;
/** Where revision 3 has the root's id, behind what both have. */
const rootAt = 20;

/** The attribute as the user namespace whose root is `firstId` outside sees it. */
export function capabilityInside(value: Uint8Array, firstId: number): Uint8Array {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length < rootAt + 4 || value[3] !== revision3 || view.getUint32(rootAt, true) !== firstId)
    return value;
  const inside = value.slice(0, rootAt);
  inside[3] = revision2;
  return inside;
}
