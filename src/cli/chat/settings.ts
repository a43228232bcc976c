// The commands about the state of a room: what they ask the server, on a terminal and on a pipe
// alike. See docs/rooms.md.

import type { Client, Requests, RoomSetting } from "../../client.ts";
import { readSanction } from "../../protocol/sanction.ts";
import type { Command, CommandName } from "./commands.ts";
import type { MessageBook } from "./messages.ts";
import { pinnedIn } from "./pins.ts";
import type { Shown, WholeRoom } from "./shown.ts";
import { addressOf, meantBy } from "./whom.ts";

/** Does a command about a room; undefined for one that is about something else. */
export async function askRoom(
  client: Client,
  book: MessageBook,
  { name, args }: Command,
  ref: number,
): Promise<Shown | undefined> {
  const [room = "", what = "", rest = ""] = args;
  const set = async (key: string, value: Setting): Promise<Shown> => {
    const answer = await client.request("set", { room, key, value });
    return { event: "ack", ref, ...answer };
  };
  if (name === "kick") {
    const reason = rest === "" ? {} : { reason: rest };
    const answer = await client.request("kick", {
      room,
      address: addressOf(client, what),
      ...reason,
    });
    return { event: "ack", ref, ...answer };
  }
  if (name === "room" || ((name === "topic" || name === "mode") && what === ""))
    return { event: "room", ref, ...(await wholeRoom(client, book, room)) };
  const whom = name === "invite" ? await meantBy(client, what) : what;
  const given = settingOf(client, name, { what: whom, rest });
  return given === undefined ? undefined : set(given.key, given.value);
}

/** A room with all that is set in it, over all pages, and what is pinned. */
async function wholeRoom(client: Client, book: MessageBook, room: string): Promise<WholeRoom> {
  const settings: RoomSetting[] = [];
  for (let after: string | undefined; ;) {
    const page = after === undefined ? { room } : { room, after };
    const { next, ...answer } = await client.request("room", page);
    settings.push(...answer.settings);
    if (next === undefined) {
      const pinned = await pinnedIn(client, book, { room: answer.room, settings });
      return { ...answer, settings, ...(pinned.length === 0 ? {} : { pinned }) };
    }
    after = next;
  }
}

// --- internal -----------------------------------------------------------------------------------

type Setting = NonNullable<Requests["set"]["ask"]["value"]> | null;

/** The key and value that a command sets. */
function settingOf(
  client: Client,
  name: CommandName,
  { what, rest }: { readonly what: string; readonly rest: string },
): { readonly key: string; readonly value: Setting } | undefined {
  switch (name) {
    case "topic":
    case "describe": {
      const key = name === "topic" ? "topic" : "description";
      return { key, value: what === "-" ? null : what };
    }
    case "mode":
      return modeSetting(what, rest);
    case "role":
      return { key: `role/${addressOf(client, what)}`, value: rest === "none" ? null : rest };
    case "ban":
    case "mute":
      return { key: `${name}/${what}`, value: readSanction(rest, Date.now()) };
    case "unban":
    case "unmute":
      return { key: `${name.slice(2)}/${what}`, value: null };
    case "invite":
      return { key: `invite/${what}`, value: true };
    case "uninvite":
      return { key: `invite/${addressOf(client, what)}`, value: null };
    case "pin":
      return { key: `pin/${what}`, value: true };
    case "unpin":
      return { key: `pin/${what}`, value: null };
    default:
      return undefined;
  }
}

/** "+moderated", "-key", "slow 10": a sign says whether it is set, a value what to. */
function modeSetting(what: string, rest: string): { key: string; value: Setting } {
  const isOff = what.startsWith("-") || rest === "off";
  const key = `mode/${what.replace(/^[+-]/, "")}`;
  if (isOff) return { key, value: null };
  const isNumber = (key === "mode/limit" || key === "mode/slow") && /^\d+$/.test(rest);
  if (isNumber) return { key, value: Number(rest) };
  return { key, value: rest === "" || rest === "on" ? true : rest };
}
