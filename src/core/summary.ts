// Who is in a fusion, in short: what the two sides of a dry run show their operator of each other.
// Each server makes it of what it sees; the fabric carries it and cannot read it.

import * as v from "valibot";
import type { Bytes, Clock, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { LOBBY } from "../names.ts";
import { decodeJson } from "../protocol/frame.ts";
import { Count, PeerName as Name } from "../protocol/shapes.ts";
import type { People } from "./people.ts";

const rows = <const S extends v.ObjectEntries>(entries: S) =>
  v.pipe(v.array(v.object(entries)), v.maxLength(LIMITS.summaryRowsMax));

/** Servers and rooms are those with most people, the others are only counted. */
const Summary = v.object({
  servers: rows({ server: Name, people: Count }),
  people: Count,
  /** Addresses of some of them. */
  names: v.pipe(v.array(Name), v.maxLength(LIMITS.summaryNamesMax)),
  /** Shared rooms; the lobby is everybody's. */
  rooms: rows({ room: Name, members: Count }),
  roomsTotal: Count,
  /** Of rooms that somebody has founded, and that are no secret: who rules there, and how. */
  ruled: v.exactOptional(
    rows({ room: Name, founder: Name, bans: Count, topic: v.exactOptional(v.string()) }),
  ),
});
export type Summary = v.InferOutput<typeof Summary>;

/** A room that somebody has founded, as it is told to the operator of another fusion. */
export type RuledRoom = NonNullable<Summary["ruled"]>[number];

/** Those of some rooms that somebody has founded. */
type RuledOf = (rooms: readonly RoomName[]) => readonly RuledRoom[];

/** Makes the summary of this server's fusion for others, who may ask again and again. */
export function createSummary(clock: Clock, people: () => People, ruled: RuledOf): () => Bytes {
  let made: { readonly at: Millis; readonly bytes: Bytes } | undefined;
  return () => {
    const at = clock.monotonic();
    if (made === undefined || at - made.at >= LIMITS.summaryMsMin) {
      made = { at, bytes: new TextEncoder().encode(JSON.stringify(summaryOf(people(), ruled))) };
    }
    return made.bytes;
  };
}

/** Makes the summary of this server's fusion, as it is seen from here. */
export function summaryOf(people: People, ruled: RuledOf): Summary {
  const { servers } = people.fusion();
  const rooms = people.sharedRooms().filter(({ room }) => room !== LOBBY);
  const largest = rooms.toSorted((a, b) => b.members - a.members).slice(0, LIMITS.summaryRowsMax);
  const plain = {
    servers: servers.toSorted((a, b) => b.people - a.people).slice(0, LIMITS.summaryRowsMax),
    people: servers.reduce((sum, row) => sum + row.people, 0),
    names: people.some(LIMITS.summaryNamesMax).toSorted(),
    rooms: largest,
    roomsTotal: rooms.length,
  };
  const told = ruled(largest.map(({ room }) => room));
  // As many as there is room for, beside all that is told of servers and people.
  let bytes = JSON.stringify(plain).length;
  const fitting = told.filter((row) => {
    bytes += JSON.stringify(row).length + 1;
    return bytes < LIMITS.summaryBytesMax / 2;
  });
  return fitting.length === 0 ? plain : { ...plain, ruled: fitting };
}

/** Reads another server's; undefined where it is none. What a later version adds is left out. */
export function readSummary(bytes: Bytes): Summary | undefined {
  if (bytes.length > LIMITS.summaryBytesMax) return undefined;
  try {
    const parsed = v.safeParse(Summary, decodeJson(bytes));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // no JSON: as good as none
  }
}
