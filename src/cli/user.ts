// `chatfusion user`: the nicks that have a password. Through the running server where there is one,
// which knows at once; else with the plugin alone, on the data folder of the config.

import { defineCommand, type ArgsDef } from "citty";
import * as v from "valibot";
import { loadConfig } from "../config.ts";
import { ChatFusionError, isFailure } from "../errors.ts";
import { parseNick } from "../names.ts";
import { runOffline, type Answer } from "../serve.ts";
import { adminPath, askAdmin } from "../serve/admin.ts";
import { shortPath } from "../serve/config-file.ts";
import { createClock } from "../serve/clock.ts";
import { createLog } from "../serve/log.ts";
import { answers } from "../serve/registry.ts";
import { REST } from "./command.ts";
import { EXIT, reportFailure } from "./exit.ts";
import { createScreen } from "./screen.ts";
import { readSecret } from "./secret.ts";
import { targetServer } from "./target.ts";

const where: ArgsDef = {
  server: { type: "string", description: "A running server of this machine", valueHint: "NAME" },
  config: { type: "string", description: "The config file", valueHint: "FILE" },
  name: { type: "string", description: "The server's name, as for serve", valueHint: "NAME" },
  data: { type: "string", description: "The data folder, as for serve", valueHint: "DIR" },
};
const nick: ArgsDef = { nick: { type: "positional", description: "Whose" } };
const roles: ArgsDef = {
  roles: { type: "positional", required: false, description: "Like operator", valueHint: REST },
};
const secret: ArgsDef = {
  "password-file": {
    type: "string",
    description: "Its first line is the password; - is stdin",
    valueHint: "FILE",
  },
};

const Args = v.object({
  _: v.array(v.string()),
  server: v.optional(v.string()),
  config: v.optional(v.string()),
  name: v.optional(v.string()),
  data: v.optional(v.string()),
  "password-file": v.optional(v.string()),
});
type Args = v.InferOutput<typeof Args>;

const add = defineCommand({
  meta: { description: "Gives a nick a password, and roles if any are named" },
  args: { ...nick, ...roles, ...secret, ...where },
  async run({ args }) {
    const parsed = v.parse(Args, args);
    const [who = "", ...named] = parsed._;
    return ask(parsed, ["user-add", parseNick(who), await newSecret(parsed), ...named]);
  },
});

const passwd = defineCommand({
  meta: { description: "Gives a nick another password" },
  args: { ...nick, ...secret, ...where },
  async run({ args }) {
    const parsed = v.parse(Args, args);
    const who = parseNick(parsed._[0] ?? "");
    return ask(parsed, ["user-passwd", who, await newSecret(parsed)]);
  },
});

const del = defineCommand({
  meta: { description: "Takes a nick its password: anybody may use it again" },
  args: { ...nick, ...where },
  async run({ args }) {
    const parsed = v.parse(Args, args);
    return ask(parsed, ["user-del", parsed._[0] ?? ""]);
  },
});

const list = defineCommand({
  meta: { description: "Shows the nicks that have a password" },
  args: where,
  run: async ({ args }) => ask(v.parse(Args, args), ["user-list"]),
});

export default defineCommand({
  meta: { description: "Manages the nicks that have a password" },
  subCommands: { add, passwd, del, list },
});

// --- internal ------------------------------------------------------------------------------------

const newSecret = (args: Args): Promise<string> =>
  readSecret({ file: args["password-file"], twice: true, prompt: "new password" });

async function ask(args: Args, words: readonly string[]): Promise<number> {
  process.umask(0o077);
  const { answer, at } = await deliver(args, words);
  if (isFailure(answer)) {
    const { code } = answer;
    const none = "this config has no plugin that keeps accounts, like auth-sqlite";
    const text = code === "NO_SUCH_COMMAND" ? none : answer.text;
    return reportFailure(new ChatFusionError(code, text));
  }
  createScreen().print(answer.text);
  // For whoever reads on a terminal: with several servers it is easily another one than was meant.
  if (process.stdout.isTTY) console.error(`(${at})`);
  return EXIT.ok;
}

async function deliver(
  { server, config: file, name, data }: Args,
  words: readonly string[],
): Promise<{ readonly answer: Answer; readonly at: string }> {
  if (server !== undefined) {
    const target = await targetServer(server);
    return { answer: await askAdmin(target.admin, words), at: `${target.name}, running` };
  }
  const config = await loadConfig({ config: file, name, data });
  const at = `${config.name}, ${shortPath(config.data)}`;
  const admin = adminPath(config.data);
  if (await answers(admin)) return { answer: await askAdmin(admin, words), at: `${at}, running` };
  const log = createLog({ clock: createClock(), level: "warn", format: "human" });
  return { answer: await runOffline(config, words, log), at: `${at}, not running` };
}
