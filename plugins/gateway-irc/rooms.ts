// Channels: JOIN, PART, NAMES, LIST. Next: topic.ts, channel-modes.ts, moderation.ts.
// A list of members stands in its place among the events of the room (`inPlace`): behind it come
// its changes, and no change comes that it has already.

import type { Answer, Failure, MemberEntry, PersonEntry, RoomOutline } from "chatfusion";
import { isFailure, LIMITS, LOBBY, nameKey, parseRoomName } from "chatfusion";
import { showBacklog } from "./backlog.ts";
import type { Client } from "./client.ts";
import { cutText, flat, wordOf } from "./line.ts";
import { showMarker } from "./marker.ts";
import { maskOf } from "./mask.ts";
import type { Numeric } from "./numerics.ts";
import { showTopic, withOutline } from "./outline.ts";
import type { Reply } from "./reply.ts";
import { signOf } from "./ruling.ts";

type Params = readonly string[];

export async function join(
  client: Client,
  [asked = "", keys = ""]: Params,
  reply: Reply,
): Promise<void> {
  if (asked === "0") return; // "part all": nobody means it
  const keyList = keys.split(",");
  const named = asked.split(",");
  for (const room of namesIn(asked)) {
    const key = keyList[named.indexOf(room)] ?? "";
    const hidden = isHidden(client, room);
    const refused = hidden ? NOT_SHOWN : await joinOne(client, { room, key }, reply);
    if (refused !== undefined) refuse(reply, room, refused);
  }
}

/** The channel in which everybody is: it has only to be shown. */
export const showLobby = (client: Client): Promise<void> =>
  new Promise((resolve) =>
    withOutline(client, LOBBY, (outline) =>
      showJoined(client, isFailure(outline) ? { room: LOBBY } : outline, client.aside(), resolve),
    ),
  );

export async function part(
  client: Client,
  [asked = "", text]: Params,
  reply: Reply,
): Promise<void> {
  const why = text === undefined ? {} : { reason: cutText(text, LIMITS.reasonBytesMax) };
  for (const room of namesIn(asked)) {
    const answer = isHidden(client, room) ? NOT_SHOWN : await client.ask("part", { room, ...why });
    if (isFailure(answer)) refuse(reply, room, answer);
    else {
      client.rooms.delete(answer.room);
      const event = { type: "left", room: answer.room, person: personOf(client), ...why } as const;
      reply.lines(client.format.encode(event));
    }
  }
}

export async function listNames(client: Client, [asked = ""]: Params, reply: Reply): Promise<void> {
  const rooms = targetsOf(asked, reply);
  if (asked === "")
    for await (const { room } of roomsOf(client)) await sendNames(client, room, reply);
  for (const room of rooms)
    if (!isHidden(client, room)) await sendNames(client, keyOf(room), reply);
  // For what is no channel, too (modern.ircdocs.horse).
  reply.numeric("RPL_ENDOFNAMES", [asked === "" ? "*" : shownOf(rooms.join(","))]);
}

export async function listRooms(client: Client, [words = ""]: Params, reply: Reply): Promise<void> {
  const fits = conditionOf(words.split(",").filter(Boolean));
  reply.numeric("RPL_LISTSTART", ["Channel"]);
  for await (const { room, members, topic = "" } of roomsOf(client))
    if (fits(room, members))
      reply.numeric("RPL_LIST", [room, String(members)], cutText(flat(topic), namesBytesMax));
  reply.numeric("RPL_LISTEND", []);
}

/** Every page of the rooms that the client may see. */
export async function* roomsOf(client: Client): AsyncGenerator<Answer<"rooms">["rooms"][number]> {
  let after: string | undefined;
  do {
    const page = await client.ask("rooms", after === undefined ? {} : { after });
    if (isFailure(page)) return;
    for (const one of page.rooms) if (!isHidden(client, one.room)) yield one;
    after = page.next;
  } while (after !== undefined);
}

/** All members of a room, or all people, in their place; or why they are not told. */
export function withPeople(
  client: Client,
  room: string | undefined,
  take: (people: readonly MemberEntry[] | Failure) => void,
): void {
  const all: MemberEntry[] = [];
  const page = (after: string | undefined): void => {
    const ask = {
      ...(room === undefined ? {} : { room }),
      ...(after === undefined ? {} : { after }),
    };
    const answered = (answer: Answer<"who"> | Failure) => {
      if (isFailure(answer)) return take(answer);
      all.push(...answer.people);
      if (answer.next === undefined) take(all);
      else page(answer.next);
    };
    client.session?.request("who", ask, answered, true);
  };
  page(undefined);
}

/** The lobby, where the gateway does not show it: then it is no channel. */
export function isHidden(client: Client, room: string): boolean {
  if (client.world.options.lobby) return false;
  return client.rooms.has(room) ? room === LOBBY : keyOf(room) === LOBBY; // those are in one form
}

/** Whether a target is a channel by its look; else it is a person. */
export const isChannel = (target: string): boolean =>
  target.startsWith("#") || target.startsWith("&");

/** The one form of a room's name, as replies have it; what is none as it is. */
export function keyOf(room: string): string {
  try {
    return nameKey(parseRoomName(room));
  } catch {
    return room;
  }
}

/** Names in a list with commas, each once. */
const namesIn = (list: string): readonly string[] =>
  list !== "" && !list.includes(",")
    ? [list]
    : Array.from(new Set(list.split(",").filter(Boolean)));

/** Likewise, and no more than there may be; `reply` is told where some are left out. */
export function targetsOf(list: string, reply: Reply | undefined): readonly string[] {
  const max = LIMITS.ircTargetsMax;
  const all = namesIn(list);
  const [first] = all.slice(max);
  if (first === undefined) return all;
  reply?.numeric("ERR_TOOMANYTARGETS", [shownOf(first)], `more than ${max} targets: left out`);
  return all.slice(0, max);
}

/** Whether two clients are in a room together. */
export const isNeighbour = (client: Client, other: Client): boolean =>
  !client.rooms.isDisjointFrom(other.rooms);

/** Whether a client is told in its rooms of somebody who is in these: in large ones it is not. */
export const isTold = ({ rooms, world }: Client, others: ReadonlySet<string>): boolean =>
  Array.from(rooms.intersection(others)).some((room) => !world.host.isLarge(room));

/** The other clients of this gateway that are told in a room of what this one does. */
export function neighboursOf(client: Client): Client[] {
  const { clients, host } = client.world;
  const small = new Set(Array.from(client.rooms).filter((room) => !host.isLarge(room)));
  return Array.from(clients).filter((one) => one !== client && !small.isDisjointFrom(one.rooms));
}

/** The client's own entry, as events have it. */
export function personOf(client: Client): PersonEntry {
  const { account, address } = client;
  return { address, ...(account === undefined ? {} : { account }) };
}

/** Whether there is such a room, as far as the client may know. */
export async function seen(client: Client, room: string): Promise<boolean> {
  if (isHidden(client, room)) return false;
  if (client.rooms.has(room)) return true;
  const found = await client.ask("who", { room, limit: 1 });
  return !isFailure(found) && found.total > 0;
}

/** The one form of the name of a room that the client is in; else it is told that it is not. */
export async function inRoom(
  client: Client,
  target: string,
  reply: Reply,
): Promise<string | undefined> {
  const room = keyOf(target);
  if (client.rooms.has(room)) return room;
  if (await seen(client, room)) reply.numeric("ERR_NOTONCHANNEL", [shownOf(room)]);
  else noSuch(room, reply);
  return undefined;
}

export const noSuch = (room: string, reply: Reply): void =>
  reply.numeric("ERR_NOSUCHCHANNEL", [shownOf(room)], "No such channel");

/** Refuses in the numerics of rooms. */
export function refuse(reply: Reply, room: string, { code, text }: Failure): void {
  const numeric = REFUSALS[code];
  if (numeric !== undefined) return reply.numeric(numeric, [shownOf(room)], text);
  if (TRY_AGAIN.has(code)) return reply.numeric("RPL_TRYAGAIN", [shownOf(room)], text);
  reply.numeric("ERR_NOSUCHCHANNEL", [shownOf(room)], text);
}

/** What a client wrote, as one parameter of a reply. */
export const shownOf = (text: string): string => cutText(wordOf(text), shownBytesMax);

// --- internal ---

const shownBytesMax = 200;

const REFUSALS: Readonly<Record<string, Numeric>> = {
  ROOM_INVALID: "ERR_NOSUCHCHANNEL",
  NOT_IN_ROOM: "ERR_NOTONCHANNEL",
  TOO_MANY_ROOMS: "ERR_TOOMANYCHANNELS",
  ROOM_FULL: "ERR_CHANNELISFULL",
  INVITE_ONLY: "ERR_INVITEONLYCHAN",
  BANNED: "ERR_BANNEDFROMCHAN",
  KEY_WRONG: "ERR_BADCHANNELKEY",
  NOT_PERMITTED: "ERR_CHANOPRIVSNEEDED",
  JOIN_DENIED: "ERR_UNAVAILRESOURCE",
  CANNOT_LEAVE: "ERR_CHANOPRIVSNEEDED",
  TOO_MANY_ENTRIES: "ERR_BANLISTFULL",
};
/** It may be done a while later. */
const TRY_AGAIN: ReadonlySet<string> = new Set(["RATE_LIMITED", "CONGESTED", "UNCONFIRMED"]);
const NOT_SHOWN: Failure = { code: "NOT_IN_ROOM", text: "this gateway does not show it" };

/** What is known of a room by the answer of joining it. */
type Known = { readonly room: string } & RoomOutline;

/** Resolves when it is told, or with why it is refused. */
function joinOne(
  client: Client,
  { room, key }: { readonly room: string; readonly key: string },
  reply: Reply,
): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    const answered = (answer: Answer<"join"> | Failure) => {
      if (isFailure(answer)) resolve(answer);
      else showJoined(client, answer, reply, () => resolve(undefined));
    };
    const ask = key === "" ? { room } : { room, key };
    client.session?.request("join", ask, answered, true);
  });
}

/** `known`: its topic and modes; who has set the topic is asked for where there is one. */
function showJoined(client: Client, known: Known, reply: Reply, done: () => void): void {
  const { room, topic, modes } = known;
  client.rooms.add(room);
  const event = { type: "joined", room, person: personOf(client) } as const;
  reply.lines(client.format.encode(event));
  showMarker(client, room, reply);
  if (topic !== undefined)
    withOutline(client, room, (outline) => {
      if (!isFailure(outline)) showTopic(client, outline, reply);
    });
  withPeople(client, room, (people) => {
    namesOf(client, { room, people, isSecret: modes?.secret !== undefined }, reply);
    reply.numeric("RPL_ENDOFNAMES", [room]);
  });
  showBacklog(client, room, reply, done);
}

const sendNames = (client: Client, room: string, reply: Reply): Promise<void> =>
  new Promise((resolve) => {
    withOutline(client, room, (outline) =>
      withPeople(client, room, (people) => {
        const isSecret = !isFailure(outline) && outline.modes?.secret !== undefined;
        namesOf(client, { room, people, isSecret }, reply);
        resolve();
      }),
    );
  });

/** As many lines as they take; none where there is nobody, or nobody is told. */
function namesOf(
  client: Client,
  {
    room,
    people,
    isSecret,
  }: {
    readonly room: string;
    readonly people: readonly MemberEntry[] | Failure;
    readonly isSecret: boolean;
  },
  reply: Reply,
): void {
  if (isFailure(people)) return;
  const { names: called } = client.world;
  const whole = client.has("userhost-in-names");
  let line = "";
  let bytes = 0;
  const send = () => reply.numeric("RPL_NAMREPLY", [isSecret ? "@" : "=", room], line);
  for (const { address, account, role } of people) {
    const nick = whole ? called.mask(address, account) : called.nick(address);
    const name = signOf(role) + nick;
    const size = Buffer.byteLength(name) + 1;
    if (bytes + size > namesBytesMax && line !== "") {
      send();
      line = "";
      bytes = 0;
    }
    line += line === "" ? name : ` ${name}`;
    bytes += size;
  }
  if (line !== "") send();
}

/** What is left of a line for names, behind the longest server, nick and room. */
const namesBytesMax = LIMITS.ircLineBytesMax - 3 * LIMITS.nameBytesMax - 16;

/** Of LIST (ELIST=MNU): names, masks, masks that must not fit, and numbers of members. */
function conditionOf(words: Params): (room: string, members: number) => boolean {
  const numbers = words.flatMap((word) => {
    const [, sign, number] = /^([<>])(\d+)$/.exec(word) ?? [];
    if (sign === undefined) return [];
    return [
      (members: number) => (sign === "<" ? members < Number(number) : members > Number(number)),
    ];
  });
  const named = words.filter((word) => !/^([<>]\d+|!.*)$/.test(word)).map(maskOf);
  const unnamed = words.filter((word) => /^!./.test(word)).map((word) => maskOf(word.slice(1)));
  return (room, members) =>
    numbers.every((one) => one(members)) &&
    (named.length === 0 || named.some((one) => one(room))) &&
    !unnamed.some((one) => one(room));
}
