// What a dry run tells the operator: the servers, people and rooms that a merge would join, and
// whether it would be accepted. Pure.

import type { Failure } from "../errors.ts";
import { isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName, Sid } from "../names.ts";
import { visible } from "../names.ts";
import type { CommandResult } from "../plugin/context.ts";
import type { Merged, OtherSide } from "../plugin/fabric.ts";
import type { RuledRoom, Summary } from "./summary.ts";
import { readSummary } from "./summary.ts";

/** This server's side. */
export interface OurSide {
  /** Its whole fusion, sorted. */
  readonly servers: readonly string[];
  readonly summary: Summary;
  /** It is in our fusion; by its sid, as a namesake is not. */
  isIn(sid: Sid): boolean;
  /** There is a link to that server. */
  isNeighbour(sid: Sid): boolean;
}

/** Puts the outcome of a dry run into words; `data` has all of it. */
export function prospectOf(
  outcome: Merged | Failure,
  other: OtherSide,
  ours: OurSide,
): CommandResult {
  const refused = isFailure(outcome)
    ? { code: outcome.code, why: visible(outcome.text) }
    : undefined;
  const isIn = ours.isIn(other.sid);
  const theirs = other.summary === undefined ? undefined : readSummary(other.summary);
  const fusion = [...new Set([...ours.servers, ...other.servers])].toSorted();
  const shared = theirs === undefined ? [] : sharedRooms(ours.summary, theirs);
  const ruled = theirs === undefined ? [] : ruledTwice(ours.summary, theirs);
  const lines = isIn
    ? [alreadyText(other.server, refused === undefined, ours.isNeighbour(other.sid))]
    : [
        ...serverLines(ours.servers, other, fusion),
        ...peopleLines(ours.summary, theirs),
        ...roomLines(ours.summary, theirs, shared),
        ...ruledLines(ruled),
      ];
  lines.push(
    refused === undefined
      ? "would be accepted"
      : `would be refused: ${refused.code} ${refused.why}`,
  );
  const data = {
    state: refused === undefined ? "possible" : "refused",
    server: other.server,
    accepted: refused === undefined,
    ...refused,
    already: isIn,
    fusion,
    ours: { ...ours.summary, servers: sideOf(ours.servers, ours.summary) },
    theirs: { ...theirs, servers: sideOf(other.servers, theirs) },
    shared,
    ruled,
  };
  return { text: lines.join("\n"), data };
}

// --- internal -----------------------------------------------------------------------------------

interface RuledTwice {
  readonly room: string;
  readonly ours: RuledRoom;
  readonly theirs: RuledRoom;
}

interface SharedRoom {
  readonly room: string;
  readonly ours: number;
  readonly theirs: number;
}

function alreadyText(server: ServerName, isAccepted: boolean, isNeighbour: boolean): string {
  if (!isAccepted) return `${server} is in the fusion already: nobody would be joined`;
  if (isNeighbour) return `${server} is in the fusion already, and linked: nothing would change`;
  return `${server} is in the fusion already: a link to it would be kept in reserve (standby)`;
}

/** All servers of a side, with the number of people on those of which it is known. */
function sideOf(servers: readonly string[], summary: Summary | undefined) {
  const people = new Map(summary?.servers.map((row) => [row.server, row.people]));
  return servers.map((server) => {
    const count = people.get(server);
    return count === undefined ? { server } : { server, people: count };
  });
}

function sharedRooms(ours: Summary, theirs: Summary): SharedRoom[] {
  const there = new Map(theirs.rooms.map(({ room, members }) => [room, members]));
  return ours.rooms.flatMap(({ room, members }) => {
    const other = there.get(room);
    return other === undefined ? [] : [{ room, ours: members, theirs: other }];
  });
}

/** Rooms that are founded on both sides, by different accounts. */
function ruledTwice(ours: Summary, theirs: Summary): RuledTwice[] {
  const there = new Map(theirs.ruled?.map((row) => [row.room, row]));
  return (ours.ruled ?? []).flatMap((row) => {
    const other = there.get(row.room);
    return other === undefined || other.founder === row.founder
      ? []
      : [{ room: row.room, ours: row, theirs: other }];
  });
}

/** What becomes of them: nothing, on either side, and how that can be changed. */
function ruledLines(ruled: readonly RuledTwice[]): string[] {
  if (ruled.length === 0) return [];
  const sideText = ({ founder, bans, topic }: RuledRoom) => {
    const about = topic === undefined ? "no topic" : `topic "${visible(topic)}"`;
    return `${visible(founder)}, ${bans} ${bans === 1 ? "ban" : "bans"}, ${about}`;
  };
  const lines = ruled.slice(0, LIMITS.listedMax).map(({ room, ours, theirs }, i) => {
    const what = `${visible(room)}: ours by ${sideText(ours)}; theirs by ${sideText(theirs)}`;
    return `${(i === 0 ? "ruled" : "").padEnd(HEAD)}${what}`;
  });
  const more = ruled.length - lines.length;
  if (more > 0) lines.push(`${" ".repeat(HEAD)}and ${more} more`);
  return [...lines, `${" ".repeat(HEAD)}each side keeps its own owners, bans and topics`];
}

/** Three lines about one thing: on our side, on theirs, and together. */
function block(what: string, ours: string, theirs: string, together?: string): string[] {
  const rest = " ".repeat(HEAD);
  const lines = [`${what.padEnd(HEAD)}ours      ${ours}`, `${rest}theirs    ${theirs}`];
  return together === undefined ? lines : [...lines, `${rest}together  ${together}`];
}
const HEAD = 9;

function serverLines(ours: readonly string[], other: OtherSide, fusion: readonly string[]) {
  if (other.servers.length === 0) {
    return block("servers", counted(ours), `${other.server}, which tells no more`);
  }
  return block("servers", counted(ours), counted(other.servers), String(fusion.length));
}

function peopleLines(ours: Summary, theirs: Summary | undefined): string[] {
  const side = ({ people, names }: Summary) => counted(names, people);
  if (theirs === undefined) return block("people", side(ours), UNKNOWN);
  return block("people", side(ours), side(theirs), String(ours.people + theirs.people));
}

function roomLines(
  ours: Summary,
  theirs: Summary | undefined,
  shared: readonly SharedRoom[],
): string[] {
  const side = ({ rooms, roomsTotal }: Summary) => {
    const names = rooms.map(({ room, members }) => `${room} (${members})`);
    return counted(names, roomsTotal);
  };
  if (theirs === undefined) return block("rooms", side(ours), UNKNOWN);
  const joined = shared.map((one) => `${one.room} (${one.ours} + ${one.theirs})`);
  const one = joined.length === 0 ? "none is on both sides" : `one of two: ${list(joined)}`;
  const isWhole =
    ours.roomsTotal === ours.rooms.length && theirs.roomsTotal === theirs.rooms.length;
  const total = ours.roomsTotal + theirs.roomsTotal - shared.length;
  return block("rooms", side(ours), side(theirs), `${isWhole ? `${total}, ` : ""}${one}`);
}

const UNKNOWN = "not told";

/** The number of things, and the first of them by name. */
function counted(names: readonly string[], total = names.length): string {
  if (total === 0 || names.length === 0) return String(total);
  return `${total}: ${list(names, total)}`;
}

function list(names: readonly string[], total = names.length): string {
  const shown = names.slice(0, LIMITS.listedMax).map(visible).join(", ");
  const rest = total - Math.min(names.length, LIMITS.listedMax);
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
