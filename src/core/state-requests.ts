// What people ask of a room's state: to see it, to change it, to put somebody out.
// Next: state-changes.ts, kicks.ts.

import type { Clock } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { isShared } from "../names.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import type { Answer, Ask, MessageEntry } from "../protocol/messages.ts";
import type { RoomSetting } from "../protocol/ruling.ts";
import type { Audit } from "./audit.ts";
import type { Governance } from "./governance.ts";
import type { Ids } from "./ids.ts";
import type { People } from "./people.ts";
import { givenRoles } from "./room-state.ts";
import { roomOf } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Outcome } from "./session-host.ts";
import type { Streams } from "./streams.ts";

export interface StateRequestsOptions {
  readonly governance: Governance;
  readonly people: People;
  readonly audit: Audit;
  readonly clock: Pick<Clock, "now">;
  readonly ids: Ids;
  readonly streams: Streams;
}

/** Makes the handlers of `room`, `set` and `kick`. */
export function stateHandlers(options: StateRequestsOptions) {
  const { governance, people, audit } = options;
  const { states, actors } = governance;
  const inRoom = (session: LiveSession, text: string): RoomName | Failure => {
    const room = roomOf(text);
    if (typeof room !== "string" || session.memberships.has(room)) return room;
    return failure("NOT_IN_ROOM", `room ${room}: you are not in it`);
  };
  /** A page of all that is set, roles and bans included, by key; for those who are in the room. */
  const settingsOf = (
    room: RoomName,
    { after, limit }: { readonly after: string; readonly limit: number },
  ): Pick<Answer<"room">, "settings" | "next"> => {
    const state = states.of(room);
    const all = [...state.registers.values(), ...givenRoles(state)]
      .map((one) => [states.shownKey(one.entry), one] as const)
      .filter(([key]) => key > after)
      .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
    const page = all.slice(0, limit);
    const shown = actors.teller();
    const settings = page.map(([, one]) => shown(one));
    const next = all.length > page.length ? page.at(-1)?.[0] : undefined;
    return { settings, ...(next === undefined ? {} : { next }) };
  };
  const foundingOf = (room: RoomName, founder: string) => {
    const founded = states.foundedAt(room, founder);
    const since = founded === undefined ? {} : { founded };
    if (states.guests.isVacant(room)) return since;
    return { founder: states.founderShown(room, founder), ...since };
  };
  /** What an operator did in office. */
  const note = (session: LiveSession, room: RoomName, did: string, to: string, value?: unknown) => {
    if (states.personOf(session, room).office !== true) return;
    const by = session.person.account ?? session.address;
    audit.note({ by, did, room, to, ...(value === undefined ? {} : { value }) });
  };
  /** Says a topic in the room's stream, for histories: members are told of it by its state. */
  const record = (session: LiveSession, room: RoomName, { id = "", at, value }: RoomSetting) => {
    // Where the entry had to be later than one that is dated ahead, the message is not.
    const isAhead = at > options.clock.now() + LIMITS.clockAheadMsMax;
    const { account } = session.person;
    const entry: MessageEntry = {
      ...(isAhead ? options.ids.next() : { id, at }),
      from: session.address,
      ...(account === undefined ? {} : { account }),
      room,
      kind: "topic",
      text: typeof value === "string" ? value : "",
    };
    options.streams.add(room, entry, encodeJson(FRAME.message, entry));
  };
  const set = async (session: LiveSession, room: RoomName, ask: Ask<"set">) => {
    const answer = await governance.changes.set(session, room, ask);
    if (isFailure(answer)) return answer;
    note(session, room, "set", answer.key, answer.value);
    if (answer.key === "topic") record(session, room, answer);
    return answer;
  };
  const kick = async (session: LiveSession, room: RoomName, ask: Ask<"kick">) => {
    const answer = await governance.kicks.ask(session, room, ask);
    if (!isFailure(answer)) note(session, room, "kick", answer.address, ask.reason);
    return answer;
  };
  return {
    room(session: LiveSession, { room: text, after = "", limit }: Ask<"room">): Outcome {
      const room = roomOf(text);
      if (typeof room === "object") return room;
      const isIn = session.memberships.has(room);
      if (!isIn && (!isShared(room) || states.isSecret(room)))
        return failure("NOT_IN_ROOM", `room ${room}: you are not in it`);
      const { founder } = states.of(room);
      const page = isIn ? settingsOf(room, { after, limit }) : { settings: [] };
      const answer: Answer<"room"> = {
        room,
        members: people.members(room),
        ...page,
        ...(founder === undefined ? {} : foundingOf(room, founder)),
        ...governance.outline(session, room),
      };
      return { answer };
    },
    set(session: LiveSession, ask: Ask<"set">): Outcome {
      const room = inRoom(session, ask.room);
      return typeof room === "object" ? room : { later: set(session, room, ask) };
    },
    kick(session: LiveSession, ask: Ask<"kick">): Outcome {
      const room = inRoom(session, ask.room);
      return typeof room === "object" ? room : { later: kick(session, room, ask) };
    },
  };
}
