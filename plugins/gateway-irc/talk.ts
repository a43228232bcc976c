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
import { isChannel, isHidden, shownOf, targetsOf } from "./rooms.ts";
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
  if (spoken.about === undefined) return speakTo(client, spoken, reply);
  return new Promise((resolve) => speakTo(client, spoken, reply, resolve));
}

// --- internal ---

/** One command's targets, and what each of them is told. */
interface Round {
  readonly client: Client;
  readonly reply: Reply;
  readonly isQuiet: boolean;
  readonly kind: PrivateEntry["kind"];
  readonly text: string;
  readonly about: string | undefined;
  /** Targets of which it is not known how it ends. */
  open: number;
  /** All is known. */
  readonly ended: (() => void) | undefined;
}

function speakTo(client: Client, spoken: Spoken, reply: Reply, ended?: () => void): void {
  const { command, list, text, about } = spoken;
  const isQuiet = command === "NOTICE";
  // /me comes as CTCP ACTION; other CTCP is text like all else.
  const action = isQuiet || !text.startsWith(ACTION) ? "" : actionIn(text);
  const kind = isQuiet ? "notice" : action === "" ? "text" : "action";
  const said = kind === "action" ? action : text;
  const round: Round = { client, reply, isQuiet, kind, text: said, about, open: 1, ended };
  if (list !== "" && !list.includes(",")) return speakToOne(round, spoken, list);
  const targets = targetsOf(list, isQuiet ? undefined : reply);
  round.open = targets.length;
  for (const target of targets) speakToOne(round, spoken, target);
  if (targets.length === 0) allDone(round);
}

function speakToOne(round: Round, { command, text, isLine }: Spoken, target: string): void {
  // Nothing of it is cut off: who sees it gets a line of its own of the same length at most.
  if (isLine === true && !fits(round.client, `${command} ${target}`, text)) {
    round.reply.numeric("ERR_INPUTTOOLONG", []);
    done(round);
  } else if (isChannel(target)) say(round, target, round.about);
  else tell(round, target, round.about);
}

function done(round: Round): void {
  round.open--;
  if (round.open === 0) allDone(round);
}

function allDone({ reply, ended }: Round): void {
  reply.end();
  ended?.();
}

/** Whether a line with the sender's mask is long enough; nearly always seen without counting. */
function fits(client: Client, head: string, text: string): boolean {
  const most = LIMITS.ircLineBytesMax - 2 - ": : ".length;
  const { mask } = client;
  if (3 * (mask.length + head.length + text.length) <= most) return true;
  return Buffer.byteLength(mask) + Buffer.byteLength(head + text) <= most;
}

const ACTION = "\x01ACTION ";
const actionIn = (text: string): string =>
  text.slice(ACTION.length, text.endsWith("\x01") ? -1 : undefined);

/** Nobody waits for the word that it went well. */
const isUnasked = ({ client, reply, ended }: Round): boolean =>
  reply.isPlain && ended === undefined && !client.has("echo-message");

function say(round: Round, target: string, about: string | undefined): void {
  const { client, kind, text } = round;
  if (isHidden(client, target))
    return refused(round, target, "ERR_CANNOTSENDTOCHAN", "you are not in it");
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
        return say(round, target, undefined);
      return refused(round, target, sayRefusals[answer.code], answer.text);
    }
    if (echoes) echo(client, round.reply, { ...ask, kind }, answer);
    done(round);
  };
  client.session?.request("say", ask, answered, echoes, isUnasked(round));
}

function tell(round: Round, target: string, about: string | undefined): void {
  const { client, reply, isQuiet, kind, text } = round;
  const to = client.world.names.address(target);
  const plain = kind === "text" ? { to, text } : { to, text, kind };
  const ask = about === undefined ? plain : { ...plain, about };
  const answered = (answer: Answer<"tell"> | Failure) => {
    if (isFailure(answer)) {
      // What it answers is no id: it is told all the same.
      if (about !== undefined && answer.code === "BAD_REQUEST")
        return tell(round, target, undefined);
      const numeric = NOBODY.has(answer.code) ? "ERR_NOSUCHNICK" : undefined;
      return refused(round, target, numeric, answer.text);
    }
    const { outcome, away } = answer;
    if (away !== undefined && !isQuiet)
      reply.numeric("RPL_AWAY", [shownOf(target)], awayText(away));
    if (outcome === "stored" && !isQuiet)
      reply.numeric("RPL_AWAY", [shownOf(target)], "is offline, and gets it at the next login");
    echoPrivate(client, reply, ask, answer);
    done(round);
  };
  client.session?.request("tell", ask, answered, false, isUnasked(round));
}

const sayRefusals: Readonly<Record<string, Numeric>> = {
  ROOM_INVALID: "ERR_NOSUCHCHANNEL",
  NOT_IN_ROOM: "ERR_CANNOTSENDTOCHAN",
};

/** A refusal that has no numeric of its own says so in the one that clients show by the target. */
function refused(round: Round, target: string, numeric: Numeric | undefined, text: string): void {
  if (!round.isQuiet)
    round.reply.numeric(numeric ?? "ERR_CANNOTSENDTOCHAN", [shownOf(target)], text);
  done(round);
}
