// Starts one server for the IRC conformance suite, or gives a nick its password there:
//   bun irc-server.ts serve
//   bun irc-server.ts register NICK PASSWORD
// Everything else comes from the environment that the suite's controller makes (docs/irc.md).

import { join } from "node:path";

const folder = process.env["CF_IRC_DIR"] ?? "";
const [, , what = "", ...words] = process.argv;
// Its own folder for everything: several suites' servers of one name run at once.
const env = {
  ...process.env,
  CHATFUSION_DATA: folder,
  CHATFUSION_RUNTIME_DIR: join(folder, "run"),
};
const main = join(import.meta.dir, "../../src/cli/main.ts");
const config = `--config=${join(import.meta.dir, "irc.config.ts")}`;

if (what === "serve") {
  // One process, so that the suite's signals reach the server.
  Object.assign(process.env, env);
  process.argv.splice(2, process.argv.length, "serve", config);
  await import(main);
} else {
  const [nick = "", password = ""] = words;
  const child = Bun.spawn(
    [process.execPath, main, "user", "add", nick, "--password-file=-", config],
    { env, stdin: new Blob([`${password}\n`]), stdout: "inherit", stderr: "inherit" },
  );
  process.exitCode = await child.exited;
}
