// PRIVMSG and NOTICE: to rooms, said; to people, told. With echo-message the sender sees what it
// said in its place among what others say, with its id, and as plugins have left it.

import type { Answer, Failure, MaybePromise, PrivateEntry } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import { awayText } from "./away.ts";
import type { Client } from "./client.ts";
import { echo, echoPrivate } from "./echo.ts";
import type { Line } from "./line.ts";
import type { Numeric } from "./numerics.ts";
import type { Reply } from "./reply.ts";
import { isHidden, shownOf, targetsOf } from "./rooms.ts";
import { aboutIn, NOBODY } from "./tags.ts";

/** What is said, to how many targets; `about` is the message that it answers. */
export interface Spoken {
  /** PRIVMSG or NOTICE. A notice is answered by nothing, also where it is refused (RFC 1459). */
  readonly command: string;
  /** Targets, with commas. */
  readonly list: string;
  readonly text: string;
  readonly about: string | undefined;
  /** As one line: then it has to fit one, for those who see it. */
  readonly isLine?: true;
}

/** PRIVMSG or NOTICE. */
export function talk(client: Client, line: Line, reply: Reply): MaybePromise<void> {
  const { command, params } = line;
  const [list = "", text = ""] = params;
  const isQuiet = command === "NOTICE";
  if (list === "" || text === "") {
    if (list === "" && !isQuiet) reply.numeric("ERR_NORECIPIENT", [], `No recipient (${command})`);
    else if (!isQuiet) reply.numeric("ERR_NOTEXTTOSEND", []);
    return reply.end();
  }
  const about = aboutIn(client, line);
  return speak(client, { command, list, text, about, isLine: true }, reply);
}

/** Ends the reply when all is answered; a promise where what is said next must wait for that. */
export function speak(client: Client, spoken: Spoken, reply: Reply): MaybePromise<void> {
  if (spoken.about === undefined) return speakTo(client, spoken, reply, () => {});
  return new Promise((resolve) => speakTo(client, spoken, reply, resolve));
}

// --- internal ---

function speakTo(client: Client, spoken: Spoken, reply: Reply, ended: () => void): void {
  const { command, list, text, about, isLine } = spoken;
  const said = saidOf(command, text);
  const targets = targetsOf(list);
  let open = targets.length;
  const done = () => {
    open--;
    if (open > 0) return;
    reply.end();
    ended();
  };
  if (open === 0) done();
  for (const target of targets) {
    const one = { client, reply, isQuiet: command === "NOTICE", target, ...said, about, done };
    // Nothing of it is cut off: who sees it gets a line of its own of the same length at most.
    if (isLine === true && !fits(client, `${command} ${target}`, text)) {
      reply.numeric("ERR_INPUTTOOLONG", []);
      done();
      continue;
    }
    if (target.startsWith("#") || target.startsWith("&")) say(one);
    else tell(one);
  }
}

/** Whether a line with the sender's mask is long enough; nearly always seen without making it. */
function fits(client: Client, head: string, text: string): boolean {
  const most = LIMITS.ircLineBytesMax - 2 - ": : ".length;
  if (3 * (head.length + text.length) + maskBytesMax <= most) return true;
  return Buffer.byteLength(client.mask) + Buffer.byteLength(head + text) <= most;
}

/** A nick, a user's name or account, and a server. */
const maskBytesMax = 3 * LIMITS.nameBytesMax + "!@".length;

interface One {
  readonly client: Client;
  readonly reply: Reply;
  readonly isQuiet: boolean;
  readonly target: string;
  readonly kind: PrivateEntry["kind"];
  readonly text: string;
  readonly about: string | undefined;
  done(): void;
}

const ACTION = "\x01ACTION ";

/** /me comes as CTCP ACTION; other CTCP is text like all else. */
function saidOf(command: string, text: string): Pick<PrivateEntry, "kind" | "text"> {
  if (command === "NOTICE") return { kind: "notice", text };
  const end = text.endsWith("\x01") ? -1 : undefined;
  const action = text.startsWith(ACTION) ? text.slice(ACTION.length, end) : "";
  return action === "" ? { kind: "text", text } : { kind: "action", text: action };
}

function say(one: One): void {
  const { client, target, kind, text, about } = one;
  if (isHidden(client, target)) return refused(one, "ERR_CANNOTSENDTOCHAN", "you are not in it");
  const plain = kind === "text" ? { room: target, text } : { room: target, text, kind };
  const ask = about === undefined ? plain : { ...plain, about };
  const echoes = client.has("echo-message");
  const answered = (answer: Answer<"say"> | Failure) => {
    if (isFailure(answer)) {
      // What it answers is held nowhere any more: it is said all the same.
      if (
        about !== undefined &&
        (answer.code === "NO_SUCH_MESSAGE" || answer.code === "BAD_REQUEST")
      )
        return say({ ...one, about: undefined });
      return refused(one, sayRefusals[answer.code], answer.text);
    }
    if (echoes) echo(client, one.reply, { ...ask, kind }, answer);
    one.done();
  };
  client.session?.request("say", ask, answered, echoes);
}

function tell(one: One): void {
  const { client, target, kind, text, about } = one;
  const to = client.world.names.address(target);
  const plain = kind === "text" ? { to, text } : { to, text, kind };
  const ask = about === undefined ? plain : { ...plain, about };
  const answered = (answer: Answer<"tell"> | Failure) => {
    if (isFailure(answer)) {
      // What it answers is no id: it is told all the same.
      if (about !== undefined && answer.code === "BAD_REQUEST")
        return tell({ ...one, about: undefined });
      const numeric = NOBODY.has(answer.code) ? "ERR_NOSUCHNICK" : undefined;
      return refused(one, numeric, answer.text);
    }
    const { outcome, away } = answer;
    if (away !== undefined && !one.isQuiet)
      one.reply.numeric("RPL_AWAY", [shownOf(target)], awayText(away));
    if (outcome === "stored" && !one.isQuiet)
      one.reply.numeric("RPL_AWAY", [shownOf(target)], "is offline, and gets it at the next login");
    echoPrivate(client, one.reply, ask, answer);
    one.done();
  };
  client.session?.request("tell", ask, answered);
}

const sayRefusals: Readonly<Record<string, Numeric>> = {
  ROOM_INVALID: "ERR_NOSUCHCHANNEL",
  NOT_IN_ROOM: "ERR_CANNOTSENDTOCHAN",
};

/** A refusal that has no numeric of its own says so in the one that clients show by the target. */
function refused(one: One, numeric: Numeric | undefined, text: string): void {
  const { reply, target, isQuiet } = one;
  if (!isQuiet) reply.numeric(numeric ?? "ERR_CANNOTSENDTOCHAN", [shownOf(target)], text);
  one.done();
}
