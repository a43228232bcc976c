// Putting somebody out of a room. Where he is, his own server does it, and looks itself at whether
// the one who asks may: by the founding that it follows, which may be another one than here. He may
// come back at once, so that owners may kick each other, and the founder; a ban keeps him out.

import type { Clock, Random } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, RoomName, ServerName, Sid } from "../names.ts";
import { LOBBY, visible } from "../names.ts";
import type { Answer, PersonEntry } from "../protocol/messages.ts";
import type { Removal } from "../protocol/ruling.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import { accountId } from "../protocol/state.ts";
import type { Actors } from "./actors.ts";
import { knownFailure } from "./offers.ts";
import type { Peer } from "./peer.ts";
import { personOf } from "./peer.ts";
import type { People } from "./people.ts";
import type { Actor } from "./room-state.ts";
import { may, roleOf, stands } from "./room-state.ts";
import { roomOf } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { isTold } from "./state-store.ts";
import type { States } from "./states.ts";

export interface KicksOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly self: ServerName;
  readonly sessions: Sessions;
  readonly states: States;
  readonly people: () => People;
  readonly actors: Actors;
  /** Puts a session out of a room, and tells it why. */
  remove(session: LiveSession, room: RoomName, text: string, removed: Removal): void;
}

interface Kick {
  readonly room: RoomName;
  readonly reason: string | undefined;
  /** When the session of whoever is meant began, where it was seen. */
  readonly since?: number | undefined;
}

export function createKicks(options: KicksOptions) {
  const { states, clock } = options;
  /** Those that other servers have not answered yet. */
  const waiting = new Map<string, { readonly sid: Sid; done(how: Failure | undefined): void }>();
  const cancels = new Set<() => void>();

  /** Kicks one who is here; returns why not. */
  const kick = (
    nick: Nick,
    by: Actor,
    { room, reason, from, since }: Kick & { readonly from?: PersonEntry },
  ): Failure | undefined => {
    const state = states.of(room);
    if (!may(state, by, "kick"))
      return failure("NOT_PERMITTED", `room ${room}: only its owners and moderators kick`);
    const session = options.sessions.find(nick);
    if (session === undefined) return options.people().nobody(`${nick}@${options.self}`);
    if (since !== undefined && session.since !== since)
      return failure("NO_SUCH_NICK", `${nick}@${options.self}: somebody else has this nick now`);
    if (!session.memberships.has(room))
      return failure("NO_SUCH_NICK", `${nick}@${options.self}: is not in ${room}`);
    if (stands(state, states.personOf(session, room)) && roleOf(state, by) !== "owner") {
      const what = "is an owner or a moderator, whom owners alone kick";
      return failure("NOT_PERMITTED", `room ${room}: ${session.address} ${what}`);
    }
    const account = by.account ?? options.self;
    const who = by.office === true ? options.self : states.shownAccount(accountId(account, by.sid));
    const why = reason === undefined ? "" : `: ${reason}`;
    options.remove(session, room, `kicked by ${who}${why}`, {
      code: "KICKED",
      by: from ?? options.actors.author(room, account, by.sid),
      ...(reason === undefined ? {} : { reason }),
    });
    return undefined;
  };
  const send = (peer: Peer, nick: Nick, by: string, { room, reason }: Kick) => {
    const since = personOf(peer, nick)?.since;
    const address = `${nick}@${peer.name}`;
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
    const id = options.random.bytes(8).toHex();
    const more = {
      ...(reason === undefined ? {} : { reason }),
      ...(since === undefined ? {} : { since }),
    };
    const isSent =
      waiting.size < LIMITS.kicksUnderWayMax &&
      peer.send({ t: "kick", id, room, nick, by, ...more });
    if (!isSent)
      return Promise.resolve(failure("CONGESTED", `${address}: too much waits for that server`));
    const done = (how: Failure | undefined) => {
      waiting.delete(id);
      cancels.delete(cancel);
      cancel();
      resolve(how);
    };
    const text = `${address}: no word came from its server; it may have been kicked`;
    const cancel = clock.after(LIMITS.kickMsMax, () => done(failure("UNCONFIRMED", text)));
    cancels.add(cancel);
    waiting.set(id, { sid: peer.sid, done });
    return promise;
  };

  return {
    /** Kicks somebody, wherever he is, as one who is in the room asks. */
    async ask(
      session: LiveSession,
      room: RoomName,
      { address, reason }: { readonly address: string; readonly reason?: string | undefined },
    ): Promise<Answer<"kick"> | Failure> {
      if (room === LOBBY)
        return failure(
          "CANNOT_LEAVE",
          `room ${LOBBY}: everybody is in it, and cannot be put out; ${INSTEAD}`,
        );
      const by = states.personOf(session, room);
      if (!may(states.of(room), by, "kick"))
        return failure("NOT_PERMITTED", `room ${room}: only its owners and moderators kick`);
      const found = options.people().find(address);
      if (isFailure(found)) return found;
      const what = { room, reason };
      const isThere = found.at === "there" && isTold(room);
      if (isThere && states.guests.has(room)) {
        const why = `a guest's word counts on ${options.self} alone; a ban hides him here`;
        return failure("NOT_PERMITTED", `${found.address} is on another server: ${why}`);
      }
      const refused = isThere
        ? await send(found.peer, found.nick, by.account ?? "", what)
        : found.at === "here"
          ? kick(found.nick, by, { ...what, from: authorOf(session) })
          : failure("NO_SUCH_NICK", `${visible(address)}: is not in ${room}`);
      return refused ?? { room, address: found.address };
    },
    /** Another server's account asks to kick somebody of ours. */
    arrived(peer: Peer, { id, room: name, nick, by, reason, since }: PeerMessageOf<"kick">): void {
      const room = roomOf(name);
      const refused =
        typeof room === "string" && isTold(room)
          ? kick(nick as Nick, { account: by, sid: peer.sid }, { room, reason, since }) // looked up
          : failure("ROOM_INVALID", `${visible(name)}: no shared room`);
      peer.send({ t: "kicked", id, ...refused });
    },
    /** Another server's word on a kick of ours. */
    answered(peer: Peer, { id, code, text = "" }: PeerMessageOf<"kicked">): void {
      const one = waiting.get(id);
      if (one?.sid !== peer.sid) return;
      one.done(code === undefined ? undefined : knownFailure({ code, text }));
    },
    /** Nobody waits any more. */
    close(): void {
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** What there is against somebody in the lobby. */
const INSTEAD =
  "operators mute or ban (hide) somebody there, or end the session by the server's kick";

const authorOf = ({ address, person: { account } }: LiveSession): PersonEntry => ({
  address,
  ...(account === undefined ? {} : { account }),
});
