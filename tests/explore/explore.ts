// The explorer's command: `bun run explore --help`. The loader must be there before the fabric is.

await import("./expose.ts");
const { main } = await import("./main.ts");
process.exitCode = main(process.argv.slice(2));
