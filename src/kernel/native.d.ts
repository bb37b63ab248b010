/** The native binary, imported as a file: the path to read it from, inside the executable. */
declare module "*/caisson-native" {
  const path: string;
  export default path;
}
