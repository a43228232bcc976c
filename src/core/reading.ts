// Up to which message somebody has read a room, or what a person has told: kept for an account by
// its home server, for a guest as long as the session. It only goes on, and all sessions of the
// account are told. On the disk a while later: a crash may forget the last of it, and nothing else.

import * as v from "valibot";
import type { Environment } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Answer } from "../protocol/messages.ts";
import { addressKey } from "./people.ts";
import { roomOf } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { createShelves } from "./shelves.ts";

/** Rooms, and addresses, with ids; the one that was read last stands last. */
const Marks = v.array(v.tuple([v.string(), v.string()]));
type Marks = v.InferOutput<typeof Marks>;

export function createReading(
  environment: Pick<Environment, "clock" | "crypto" | "log" | "store">,
  sessions: Sessions,
) {
  const shelves = createShelves<Marks>({
    environment,
    name: "read",
    shape: Marks,
    waitMs: LIMITS.readWrittenMs,
  });
  const ofGuests = new WeakMap<LiveSession, Marks>();
  const marksOf = (session: LiveSession): Marks => {
    const { account } = session.person;
    return (account === undefined ? ofGuests.get(session) : shelves.get(account)) ?? [];
  };
  const put = (session: LiveSession, room: string, id: string): void => {
    const rest = marksOf(session).filter(([other]) => other !== room);
    const marks: Marks = [...rest.slice(1 - LIMITS.roomsPerSessionMax), [room, id]];
    const { account } = session.person;
    if (account === undefined) return void ofGuests.set(session, marks);
    shelves.put(account, marks).catch(() => undefined); // it never rejects
    for (const other of sessions.ofAccount(account))
      if (other !== session) other.doorway.personal({ type: "read", room, id });
  };

  return {
    load: shelves.load,
    idle: shelves.idle,
    close: shelves.close,
    /** Nobody has this account any more. */
    forget: (account: string): void => void shelves.put(account, undefined),
    /** Says up to where a room, or a person, is read, from now on at least up to `id`. */
    read(session: LiveSession, text: string, id: string | undefined): Answer<"read"> | Failure {
      const room = text.includes("@") ? addressKey(text) : roomOf(text);
      if (typeof room === "object") return room;
      const before = marksOf(session).find(([other]) => other === room)?.[1];
      if (id === undefined) return before === undefined ? { room } : { room, id: before };
      if (before !== undefined && id <= before) return { room, id: before };
      put(session, room, id);
      return { room, id };
    },
  };
}

export type Reading = ReturnType<typeof createReading>;
