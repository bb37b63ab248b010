/**
 * The executable's entry.
 * @module
 */
const [role, directory, ...rest] = process.argv.slice(2);

if (role === "resolver" && directory !== undefined) {
  // A process that stays for as long as containers do: nothing of the command line is loaded into it.
  const { runResolver } = await import("./network/dns/main.ts");
  process.exit(await runResolver(directory, ...rest));
}

const { main } = await import("./cli/main.ts");
process.exit(await main(process.argv.slice(2)));

export {};
