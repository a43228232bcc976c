// MODE of a channel: what is asked, each change one request to the core, and one line that tells
// this client what became of it. Roles are told by the events that all get, since an account may be
// there under several nicks. Next: ruling.ts (letters), mode-lists.ts (what is set).

import type { Failure, RoleName } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { listed, showList, showModes } from "./mode-lists.ts";
import { missing } from "./moderation.ts";
import type { Reply } from "./reply.ts";
import { inRoom, keyOf, noSuch, refuse, seen, shownOf } from "./rooms.ts";
import type { ModeChange } from "./ruling.ts";
import {
  hasRank,
  isTurned,
  LIST_LETTERS,
  maskOfPattern,
  MODE_LETTERS,
  modeLines,
  patternOf,
  roleOf,
  samePattern,
} from "./ruling.ts";

/** One letter, with its parameter where it takes one and there is one. */
interface Change {
  readonly sign: "+" | "-";
  readonly letter: string;
  readonly param: string | undefined;
}

/** Who asks, where, and what was done so far. */
interface Doing {
  readonly client: Client;
  readonly room: string;
  readonly reply: Reply;
  readonly done: ModeChange[];
}

export async function channelMode(
  client: Client,
  [target = "", letters, ...params]: readonly string[],
  reply: Reply,
): Promise<void> {
  const room = keyOf(target);
  if (!(await seen(client, room))) return noSuch(room, reply);
  if (letters === undefined) return showModes(client, room, reply);
  const doing: Doing = { client, room, reply, done: [] };
  for (const change of changesOf(letters, params))
    if ((await applyChange(doing, change)) === "stop") break;
  reply.lines(modeLines(`:${client.mask}`, room, doing.done));
}

// --- internal ---

/** Reads "+bk-i mask key": each that has no parameter once, and no more than there may be. */
function changesOf(letters: string, params: readonly string[]): Change[] {
  const left = [...params];
  const changes: Change[] = [];
  let sign: Change["sign"] = "+";
  for (const letter of letters) {
    if (letter === "+" || letter === "-") {
      sign = letter;
      continue;
    }
    const mode = lookUp(MODE_LETTERS, letter);
    const takes =
      roleOf(letter) !== undefined ||
      lookUp(LIST_LETTERS, letter) !== undefined ||
      letter === EXCEPTIONS ||
      mode === "key" ||
      (sign === "+" && (mode === "slow" || mode === "limit"));
    const param = takes ? left.shift() : undefined;
    const isTwice = changes.some((one) => one.sign === sign && one.letter === letter);
    if (param !== undefined || !isTwice) changes.push({ sign, letter, param });
    if (changes.length >= LIMITS.ircModesMax) break;
  }
  return changes;
}

const lookUp = <T extends object>(table: T, key: string): T[keyof T] | undefined =>
  Object.hasOwn(table, key) ? table[key as keyof T] : undefined; // it is one of its keys

/** What other servers have: nobody is excepted from a ban here but those with a role. */
const EXCEPTIONS = "e";

type Outcome = "stop" | undefined;

/** Does one change; "stop" where those behind it would fare no better. */
async function applyChange(doing: Doing, change: Change): Promise<Outcome> {
  const { letter, param } = change;
  const { client, room, reply } = doing;
  const list = lookUp(LIST_LETTERS, letter);
  if (list !== undefined && (param === undefined || param === "")) {
    await showList(client, { room, kind: list }, reply);
    return undefined;
  }
  if (letter === EXCEPTIONS && param === undefined) {
    reply.numeric("RPL_ENDOFEXCEPTLIST", [room]);
    return undefined;
  }
  if ((await inRoom(client, room, reply)) === undefined) return "stop";
  const role = roleOf(letter);
  const mode = lookUp(MODE_LETTERS, letter);
  if (list !== undefined) return changeList(doing, change, { list, mask: param ?? "" });
  if (role !== undefined) return changeRole(doing, change, role);
  if (mode !== undefined) return changeMode(doing, change, mode);
  reply.numeric("ERR_UNKNOWNMODE", [shownOf(letter)]);
  return undefined;
}

async function changeList(
  doing: Doing,
  { sign, letter }: Change,
  { list, mask }: { readonly list: string; readonly mask: string },
): Promise<Outcome> {
  const { client, room } = doing;
  const meant = patternOf(mask);
  if ("text" in meant) return wrong(doing, letter, { param: mask, text: meant.text });
  if (sign === "-") {
    const known = await listed(client, room, list);
    if (isFailure(known)) return refused(doing, known, { letter, param: mask });
    const isSet = known.some(({ key }) => samePattern(key.slice(list.length + 1), meant.pattern));
    if (!isSet) return undefined;
  }
  const value = sign === "-" ? null : list === "invite" ? true : {};
  const answer = await client.ask("set", { room, key: `${list}/${meant.pattern}`, value });
  if (isFailure(answer)) return refused(doing, answer, { letter, param: mask });
  const param = shownOf(maskOfPattern(answer.key.slice(list.length + 1)));
  doing.done.push({ change: sign + letter, param });
  return undefined;
}

async function changeMode(
  doing: Doing,
  { sign, letter, param }: Change,
  mode: (typeof MODE_LETTERS)[keyof typeof MODE_LETTERS],
): Promise<Outcome> {
  const { client, room } = doing;
  const isNumber = mode === "limit" || mode === "slow";
  const isUnset = sign === (isTurned(mode) ? "+" : "-");
  let value: string | number | true | null = null;
  if (!isUnset) {
    if (isNumber && !/^[1-9]\d{0,9}$/.test(param ?? ""))
      return wrong(doing, letter, { param, text: `expected a number from 1 on` });
    if (mode === "key" && !isKey(param))
      return wrong(doing, letter, { param: "*", text: `expected ${keyExpected}` });
    value = isNumber ? Number(param) : mode === "key" ? (param ?? "") : true;
  } else {
    const outline = await client.ask("room", { room, limit: 1 });
    if (!isFailure(outline) && outline.modes?.[mode] === undefined) return undefined;
  }
  const answer = await client.ask("set", { room, key: `mode/${mode}`, value });
  if (isFailure(answer))
    return refused(doing, answer, { letter, param: mode === "key" ? "*" : param });
  const shown = mode === "key" ? (isUnset ? "*" : param) : isNumber && !isUnset ? param : undefined;
  doing.done.push({ change: sign + letter, param: shown });
  return undefined;
}

async function changeRole(
  doing: Doing,
  { sign, letter, param }: Change,
  wanted: RoleName,
): Promise<Outcome> {
  const { client, room, reply } = doing;
  if (param === undefined || param === "")
    return wrong(doing, letter, { param, text: "expected a nick" });
  const address = client.world.names.address(param);
  const found = await client.ask("whois", { address });
  if (isFailure(found) || !found.rooms.includes(room)) {
    await missing(client, { room, nick: param, address }, reply);
    return undefined;
  }
  const role = found.roles?.[room];
  // One has one role: who has a higher one has all of this, and keeps it.
  if (sign === "+" ? hasRank(role, wanted) : role !== wanted) return undefined;
  const value = sign === "+" ? wanted : null;
  const answer = await client.ask("set", { room, key: `role/${found.address}`, value });
  if (!isFailure(answer)) return undefined; // all are told, this client, too
  if (sign === "-") return refused(doing, answer, { letter, param });
  const own = await client.ask("room", { room, limit: 1 });
  const isRuler = !isFailure(own) && hasRank(own.role, "moderator");
  if (answer.code === "NOT_PERMITTED" && isRuler && found.account === undefined)
    return wrong(doing, letter, { param, text: answer.text });
  return refused(doing, answer, { letter, param });
}

interface Asked {
  readonly letter: string;
  readonly param: string | undefined;
}

/** Refuses a parameter; what comes behind it is looked at all the same. */
function wrong(
  { room, reply }: Doing,
  letter: string,
  { param = "", text }: { readonly param: string | undefined; readonly text: string },
): undefined {
  reply.numeric("ERR_INVALIDMODEPARAM", [room, letter, shownOf(param)], text);
}

/** The core's refusal of one change; who may not do one is not told so of each. */
function refused(doing: Doing, failure: Failure, { letter, param }: Asked): Outcome {
  const { client, room, reply } = doing;
  switch (failure.code) {
    case "BAD_REQUEST":
    case "ADDRESS_INVALID":
    case "NO_SUCH_SERVER":
      return wrong(doing, letter, { param, text: failure.text });
    case "TOO_MANY_ENTRIES":
      reply.numeric("ERR_BANLISTFULL", [room, shownOf(param ?? letter)], failure.text);
      return undefined;
    default:
      refuse(reply, room, failure);
      return client.rooms.has(room) && failure.code === "INTERNAL" ? undefined : "stop";
  }
}

/** A key is one parameter of JOIN, in a list with commas. */
const isKey = (key: string | undefined): boolean =>
  key !== undefined && /^[^\s,:\0][^\s,\0]*$/.test(key) && Buffer.byteLength(key) <= keyBytesMax;
const keyBytesMax = 64;
const keyExpected = `1 to ${keyBytesMax} bytes without blanks and commas`;
