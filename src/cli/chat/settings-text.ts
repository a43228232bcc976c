// The state of a room, as lines for people. Pure.

import { LOBBY, type RoomSetting, visible } from "../../client.ts";
import { pinnedId } from "./messages.ts";
import { clockTime, quoteText } from "./said.ts";
import type { Of, Shown } from "./shown.ts";

/** One change, in a sentence. */
export function settingText(shown: Extract<Shown, { event: "setting" }>): string {
  const { room, key, value, by, of: pinned, expired } = shown;
  const slash = key.indexOf("/");
  const [kind, of] = slash < 0 ? [key, ""] : [key.slice(0, slash), visible(key.slice(slash + 1))];
  const [who, where, isSet] = [visible(by), visible(room), value !== null];
  const text = typeof value === "string" ? visible(value) : "";
  switch (kind) {
    case "founded":
      return `${where} is run by its founder ${who} here`;
    case "topic":
    case "description":
      return isSet
        ? `${who} has set the ${kind} of ${where}: ${text}`
        : `${who} has removed the ${kind} of ${where}`;
    case "mode":
      return `${who} ${modeChange(of, where, value)}`;
    case "role":
      return isSet
        ? `${who} has given ${of} the role ${text} in ${where}`
        : `${who} has taken the role of ${of} in ${where}`;
    case "ban":
    case "mute": {
      const did = kind === "ban" ? "banned" : "muted";
      if (expired) return `${of} is ${did} no more in ${where}: the time is over`;
      if (!isSet) return `${who} has un${did} ${of} in ${where}`;
      return `${who} has ${did} ${of} in ${where}${sanctionText(value)}`;
    }
    case "invite":
      return isSet
        ? `${who} has invited ${of} to ${where}`
        : `${who} has taken back the invitation of ${of} to ${where}`;
    case "pin":
      return `${who} has ${isSet ? "pinned" : "unpinned"} ${messageText(of, pinned)} in ${where}`;
    default:
      return `${who} has set ${visible(key)} in ${where}`;
  }
}

/** That a setting was so already, for who asked for it. */
export function unchangedText({ room = "", key = "", value }: Unchanged): string {
  const what = `${visible(key.replace("/", " "))} in ${visible(room)}`;
  return `nothing has changed: ${what} is ${value === null ? "not set" : "set so already"}`;
}

type Unchanged = Pick<Extract<Shown, { event: "ack" }>, "room" | "key" | "value">;

/** All of a room, a line each. */
export function roomText(shown: Extract<Shown, { event: "room" }>): string[] {
  const { room, members, founder, topic, role, settings, pinned = [] } = shown;
  const people = members === 1 ? "1 person" : `${members} people`;
  const nobody = room === LOBBY ? "everybody's" : "nobody has founded it";
  const by = founder === undefined ? nobody : `founded by ${visible(founder)}`;
  const mine = role === undefined ? "" : `; your role: ${role}`;
  const lines = [`${visible(room)}: ${people}, ${by}${mine}`];
  if (topic !== undefined) lines.push(`topic: ${visible(topic)}`);
  for (const { key, value, by: who } of settings) {
    if (key === "topic") continue;
    const slash = key.indexOf("/");
    const [kind, of] = slash < 0 ? [key, ""] : [key.slice(0, slash), visible(key.slice(slash + 1))];
    const message = pinned.find(({ id }) => id === pinnedId(key));
    const said = message === undefined ? "" : ` ${clockTime(message.at)} ${quoteText(message)}`;
    const what = kind === "mode" ? modeText(of, value) : `${of}${valueText(value)}${said}`;
    lines.push(`${kind}: ${what.trimStart()} (${visible(who)})`);
  }
  return lines;
}

// --- internal -----------------------------------------------------------------------------------

type Value = RoomSetting["value"];
const MINUTE = 60_000;

const messageText = (id: string, of: Of | undefined): string =>
  of === undefined ? id : `a message of ${quoteText(of)}`;

/** What somebody has done to a room by a mode. */
function modeChange(mode: string, room: string, value: Value): string {
  const isSet = value !== null;
  switch (mode) {
    case "key":
      return isSet ? `has given ${room} a key` : `has removed the key of ${room}`;
    case "limit":
      if (typeof value !== "number") return `has removed the limit of ${room}`;
      return `has limited ${room} to ${value === 1 ? "1 person" : `${value} people`}`;
    case "open-topic":
      return `lets ${isSet ? "everybody" : "only moderators and owners"} set the topic of ${room}`;
    case "open-talk": {
      const whom = isSet ? "also those who are not in it" : "only those who are in it";
      return `lets ${whom} speak in ${room}`;
    }
    default:
      return `has made ${room} ${isSet ? modeText(mode, value) : `not ${mode} any more`}`;
  }
}

/** How a room is by a mode. */
function modeText(mode: string, value: Value): string {
  if (mode === "limit" && typeof value === "number") return `of ${value} people at most`;
  if (mode === "slow" && typeof value === "number") return `slow: one message in ${value} s`;
  return mode === "key" ? "open to those with the key" : mode;
}

function valueText(value: Value): string {
  if (typeof value === "string") return ` ${visible(value)}`;
  return typeof value === "object" && value !== null ? sanctionText(value) : "";
}

function sanctionText(value: Value): string {
  const { reason, until } = typeof value === "object" && value !== null ? value : {};
  // To the minute by which it is over, as in what the one hears who is meant.
  const end = until === undefined ? "" : ` until ${clockTime(Math.ceil(until / MINUTE) * MINUTE)}`;
  return `${end}${reason === undefined ? "" : `: ${visible(reason)}`}`;
}
