// `chatfusion chat NICK@SERVER`: finds the server, gets in, and chats on a terminal or on pipes.
// Next: chat/terminal.ts and chat/pipe.ts; chat/chatter.ts is what both have in common.

import { defineCommand } from "citty";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { connect, type Client, type ConnectOptions, type ServerAddress } from "../client.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { parseNick, visible } from "../names.ts";
import { exitCodeOf, type ExitCode } from "./exit.ts";
import { report } from "./report.ts";
import { chatOnPipes, showFailure } from "./chat/pipe.ts";
import { chatOnTerminal } from "./chat/terminal.ts";
import { findServer } from "./running.ts";
import { readSecret } from "./secret.ts";

const Args = v.object({
  address: v.string(),
  "password-file": v.optional(v.string()),
  downloads: v.optional(v.string()),
  accept: v.picklist(["ask", "all", "none"]),
  backlog: v.optional(v.string()),
  json: v.optional(v.boolean(), false),
});

export default defineCommand({
  meta: {
    description: [
      "Enters a server and chats. Text goes to the lobby, /help shows the commands.",
      "With --json, a line of the input is a text or a command as on the terminal, and every line",
      "of the output is an object; `ref` in an answer is the number of the line that it answers,",
      "from 1 on. The end of the input ends the chat when all is answered and transferred.",
    ].join("\n"),
  },
  args: {
    address: {
      type: "positional",
      description: "Who you are, and where: ann@paris.example:7331, ann@paris for one here",
      valueHint: "NICK@SERVER",
    },
    "password-file": {
      type: "string",
      description: "A file whose first line is the nick's password; without it you are asked",
      valueHint: "FILE",
    },
    downloads: {
      type: "string",
      description: "Where accepted files go; default: ~/Downloads/chatfusion",
      valueHint: "DIR",
    },
    accept: {
      type: "enum",
      options: ["ask", "all", "none"],
      default: "ask",
      description: "What is done with offered files",
    },
    backlog: {
      type: "string",
      description: `What was said before, of each room that you come into: so many messages; default
        ${LIMITS.backlogShown} on a terminal, else 0`.replace(/\s+/g, " "),
      valueHint: "COUNT",
    },
    json: { type: "boolean", description: "One JSON object a line on stdout, for programs" },
  },
  run: async ({ args }) => run(v.parse(Args, args)),
});

// --- internal -----------------------------------------------------------------------------------

async function run(args: v.InferOutput<typeof Args>): Promise<ExitCode> {
  const { json, accept } = args;
  const folder = resolve(args.downloads ?? join(homedir(), "Downloads", "chatfusion"));
  const { nick, server } = addressOf(args.address);
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !json;
  const backlog = backlogOf(args.backlog, isTerminal);
  let client: Client;
  try {
    const login = { nick, server: await locate(server), backlog, agent: "chatfusion chat" };
    client = await enter(login, args["password-file"]);
  } catch (thrown) {
    if (!json || !(thrown instanceof ChatFusionError)) throw thrown;
    showFailure(thrown);
    return exitCodeOf(thrown.code);
  }
  const { firstMet } = client;
  if (firstMet !== undefined) {
    // On stderr: a program that reads stdout has not asked for it.
    report.info(`${visible(server)} is met for the first time; its certificate is`);
    report.info(firstMet.fingerprint);
    report.info(`and is remembered in ${visible(firstMet.path)}`);
  }
  if (isTerminal) return chatOnTerminal({ client, folder, accept });
  return chatOnPipes({ client, folder, accept, json });
}

/** Gets in; asks for the password where the nick has one and there is somebody to ask. */
async function enter(login: ConnectOptions, passwordFile: string | undefined): Promise<Client> {
  if (passwordFile === "-") {
    throw new ChatFusionError("USAGE", "--password-file: stdin is what you say, expected a file");
  }
  const prompt = `password of ${visible(login.nick)}`;
  let password =
    passwordFile === undefined
      ? undefined
      : await readSecret({ file: passwordFile, twice: false, prompt });
  const canAsk = process.stdin.isTTY && passwordFile === undefined;
  let hasAsked = false;
  try {
    for (let tries = 1; ; tries++) {
      try {
        return await connect(password === undefined ? login : { ...login, password });
      } catch (thrown) {
        if (!(thrown instanceof ChatFusionError) || !canAsk) throw thrown;
        const isWrong = thrown.code === "AUTH_FAILED" && password !== undefined;
        if (!isWrong && thrown.code !== "NICK_REGISTERED") throw thrown;
        if (isWrong && tries > LIMITS.passwordTriesMax) throw thrown;
        if (isWrong) report.error(visible(thrown.text));
      }
      hasAsked = true;
      password = await readSecret({ twice: false, prompt, staysQuiet: true });
    }
  } finally {
    if (hasAsked) process.stdin.setRawMode(false);
  }
}

/** How many messages of before are shown. Throws `USAGE`. */
function backlogOf(text: string | undefined, isTerminal: boolean): number {
  if (text === undefined) return isTerminal ? LIMITS.backlogShown : 0;
  if (/^\d{1,3}$/.test(text) && Number(text) <= LIMITS.backlogMax) return Number(text);
  const expected = `expected 0 to ${LIMITS.backlogMax}`;
  throw new ChatFusionError("USAGE", `--backlog: ${expected}, got "${visible(text)}"`);
}

/** Splits NICK@SERVER. Throws `USAGE` or `NICK_INVALID`. */
function addressOf(text: string): { readonly nick: string; readonly server: string } {
  const at = text.indexOf("@");
  const server = text.slice(at + 1);
  if (at < 1 || server === "" || text.length > LIMITS.lineBytesMax) {
    const shown = visible(text.slice(0, 80));
    throw new ChatFusionError("USAGE", `expected NICK@SERVER, got "${shown}"`);
  }
  return { nick: parseNick(text.slice(0, at)), server };
}

/** Finds `host:port`, `[::1]:port`, or the name of a server on this machine. */
async function locate(server: string): Promise<ServerAddress> {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(server) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && digits !== undefined) {
    const port = Number(digits);
    if (port >= 1 && port <= 65_535) return { host, port };
    throw new ChatFusionError("USAGE", `port: expected 1 to 65535, got ${visible(digits)}`);
  }
  if (server.includes(":")) {
    throw new ChatFusionError("USAGE", `expected HOST:PORT, got "${visible(server)}"`);
  }
  const found = await findServer(server);
  if (found !== undefined) return found;
  const text = `no server named "${visible(server)}" runs on this machine; expected HOST:PORT`;
  throw new ChatFusionError("NOT_RUNNING", `${text} for one elsewhere`);
}
