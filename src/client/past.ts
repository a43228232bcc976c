// What a client's listeners have been told of rooms, so that each message is told once, and what a
// new session missed is read from the history. See client.ts.
// Invariants: 1. A message is told once, also when its server forgot it and its sender said it
// again, or kept it and handed it over twice. 2. What was missed is told before what comes now.
// 3. What cannot be had is told as a gap. 4. What has been deleted since is not told out of its
// place: the log does not have it any more, but an event that waits may.

import { LIMITS } from "../limits.ts";
import { LOBBY } from "../names.ts";
import type { Answer, MessageEntry } from "../protocol/messages.ts";
import type { ClientEvent } from "./events.ts";
import type { PastFrom } from "./requests.ts";

export interface PastSource {
  /** A page of a room's past; rejects where there is none, or none in time: what comes waits. */
  askPast(room: string, from: PastFrom): Promise<Answer<"history">>;
}

/** A room whose past is being read: what comes meanwhile waits. */
interface Waiting {
  /** The newest message that was told before the connection was lost. */
  readonly since: string;
  readonly events: ClientEvent[];
  /** How many of the events came in a session that was lost: the log has them, or has lost them. */
  readonly before: number;
}

/** What was told of a room. */
interface Heard {
  /** The first message: what is older was said before this client came. */
  readonly first: string;
  /** The last ones, in the order in which they came. */
  readonly last: string[];
  /** The first one of each life of a server; the lives that were met last. */
  readonly begun: Map<string, string>;
}

/** What was logged behind a message that was told, `from`. */
interface Behind {
  readonly messages: readonly MessageEntry[];
  readonly from: string;
  readonly isSure: boolean;
}

export class Past {
  readonly #show: (event: ClientEvent) => void;
  readonly #source: PastSource;
  readonly #backlog: number;
  /** `id author` of messages that were told, and `author cid` where that is a message's own. */
  readonly #told = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #rooms = new Map<string, Heard>();
  #newest = "";
  /** What is older than this may have been told, and is forgotten. */
  #forgotten = "";
  #turn = 0;

  /** `backlog`: how many messages of before are told of a room when this client comes into it. */
  constructor(show: (event: ClientEvent) => void, source: PastSource, backlog = 0) {
    this.#show = show;
    this.#backlog = Math.min(backlog, LIMITS.backlogMax);
    this.#source = source;
  }

  /** Tells an event, now or when its room's past has been told. */
  take(event: ClientEvent): void {
    const room = roomOf(event);
    const waiting = room === undefined ? undefined : this.#waiting.get(room);
    if (room === undefined || waiting === undefined) return this.#tell(event);
    waiting.events.push(event);
    if (waiting.events.length > LIMITS.heldEventsMax) this.#end(room, [], true);
  }

  /** There is a new session, in these rooms: reads what they missed, one after the other. */
  back(rooms: Iterable<string>): void {
    const turn = ++this.#turn;
    const all = [...rooms];
    for (const room of all) this.#waiting.set(room, this.#waitsAgain(room));
    for (const room of this.#waiting.keys()) if (!all.includes(room)) this.#end(room, [], false);
    const readAll = async () => {
      for (const room of all) if (this.#turn === turn) await this.#read(room, turn);
    };
    readAll().catch(throwLater);
  }

  /**
   * This client has come into rooms: tells the last of what was said there before, and behind it
   * what comes now. Where there is no history, there is nothing to tell.
   */
  entered(...rooms: readonly string[]): void {
    if (this.#backlog === 0) return;
    for (const room of rooms) {
      if (this.#waiting.has(room)) continue;
      this.#waiting.set(room, this.#waitsAgain(room));
      this.#readBacklog(room, this.#turn).catch(throwLater);
    }
  }

  /** This client has left a room: what is said there now is not missed. */
  left(room: string): void {
    this.#rooms.delete(room);
    if (this.#waiting.has(room)) this.#end(room, [], false);
  }

  /** Nothing more comes: what waits is told. */
  close(): void {
    this.#turn++;
    for (const room of this.#waiting.keys()) this.#end(room, [], true);
  }

  // --- internal ---------------------------------------------------------------------------------

  #waitsAgain(room: string): Waiting {
    const { since = this.#newest, events = [] } = this.#waiting.get(room) ?? {};
    return { since, events, before: events.length };
  }

  async #readBacklog(room: string, turn: number): Promise<void> {
    const { messages } = await this.#source
      .askPast(room, { limit: this.#backlog })
      .catch(() => ({ messages: [] }));
    // Else too much came, the room was left, or all of it is read in a new session.
    if (this.#turn !== turn || !this.#waiting.has(room)) return;
    const come = this.#come(room);
    const before = messages.filter((one) => !come.has(one.id) && !this.#toldOf(one));
    if (before.length > 0) this.#show({ type: "backlog", room, messages: before });
    this.#end(room, [], false);
  }

  async #read(room: string, turn: number): Promise<void> {
    const last = this.#rooms.get(room)?.last ?? [];
    const logged = last.length === 0 ? undefined : await this.#readBehind(room, last, turn);
    if (logged === "over") return;
    if (logged?.isSure === true) return this.#end(room, logged.messages, false);
    const newer = await this.#readNewer(room, turn);
    if (newer === "over") return;
    const { messages, isWhole } = newer;
    if (logged === undefined) {
      // Or it has lost what was told, and who knows what else.
      const isHeld = last.length === 0 || messages.some(({ id }) => last.includes(id));
      return this.#end(room, messages.filter(this.#isNew(room)), !isWhole || !isHeld);
    }
    // What has come into the log since it was read stands behind it.
    const since = await this.#readLogged(room, logged.messages.at(-1)?.id ?? logged.from, turn);
    if (since === "over") return;
    const isKnown = since !== undefined && since !== "lost";
    const behind = isKnown ? [...logged.messages, ...since] : logged.messages;
    // One that is older was told, or said before this client came; one in both has its place there.
    const newest = last.reduce((one, other) => (one > other ? one : other));
    const ids = new Set(behind.map(({ id }) => id));
    // What comes in this session is told behind all that, though its end may not have been read.
    const { events = [], before: lost = 0 } = this.#waiting.get(room) ?? {};
    for (const event of events.slice(lost)) ids.add(idOf(event));
    const before = messages.filter(({ id }) => id > newest && !ids.has(id));
    this.#end(room, [...before, ...behind], !isWhole || !isKnown);
  }

  /** Reads by ids, back to what was told last. "over": nobody waits for it any more. */
  async #readNewer(
    room: string,
    turn: number,
  ): Promise<{ readonly messages: readonly MessageEntry[]; readonly isWhole: boolean } | "over"> {
    const since = this.#waiting.get(room)?.since;
    if (since === undefined || this.#turn !== turn) return "over";
    let messages: readonly MessageEntry[] = [];
    let isWhole = false;
    try {
      for (let page = 0; page < LIMITS.missedPagesMax && !isWhole; page++) {
        const [next] = messages;
        const from = next === undefined ? {} : { before: next.id };
        const found = (await this.#source.askPast(room, from)).messages;
        if (this.#turn !== turn) return "over";
        const [oldest] = found;
        if (since === "")
          isWhole = oldest === undefined; // nobody knows where it begins
        else messages = [...found, ...messages];
        if (since === "") break;
        isWhole = oldest === undefined || oldest.id <= since;
      }
    } catch {
      if (this.#turn !== turn) return "over"; // else a gap: there is no history, or it is closed
    }
    // Else too much came, or the room was left.
    return this.#waiting.has(room) ? { messages, isWhole } : "over";
  }

  /** What comes now is new, also where its server's clock went back. */
  #isNew(room: string): (message: MessageEntry) => boolean {
    const since = this.#waiting.get(room)?.since ?? "";
    const first = this.#rooms.get(room)?.first ?? since;
    const floor = first > this.#forgotten ? first : this.#forgotten;
    const come = this.#come(room);
    return ({ id }) => id > since || id > floor || come.has(id);
  }

  /**
   * Reads what was logged behind the one of these that stands first in the log. Not sure where some
   * of them are not there: what was deleted since may have stood before all that are.
   */
  async #readBehind(
    room: string,
    last: readonly string[],
    turn: number,
  ): Promise<Behind | "over" | undefined> {
    let messages: readonly MessageEntry[] | undefined;
    let from = "";
    let isSure = true;
    for (const told of someOf(last)) {
      if (messages !== undefined && has(messages, told)) continue;
      const found = await this.#readLogged(room, told, turn);
      if (found === "over" || found === undefined) return found;
      if (found === "lost") isSure = false;
      // One that came into the log late may stand there behind others that were told after it.
      else if (messages === undefined || has(found, from)) {
        messages = found;
        from = told;
      }
    }
    return messages && { messages, from, isSure };
  }

  /**
   * Reads what the server has logged since: also what it got late, and what is older than much that
   * was told. Undefined where that is too much; "lost": it does not know any more what was told;
   * "over": nobody waits for it any more.
   */
  async #readLogged(
    room: string,
    told: string,
    turn: number,
  ): Promise<readonly MessageEntry[] | "lost" | "over" | undefined> {
    const missed: MessageEntry[] = [];
    for (let page = 0; page < LIMITS.missedPagesMax; page++) {
      const since = missed.at(-1)?.id ?? told;
      const messages = await this.#source.askPast(room, { since }).then(
        (answer) => answer.messages,
        () => undefined,
      );
      if (this.#turn !== turn || !this.#waiting.has(room)) return "over";
      if (messages === undefined) return "lost";
      missed.push(...messages);
      if (messages.length === 0 || this.#overlaps(room, missed)) return missed;
    }
    return undefined;
  }

  /** In a busy room no page is empty: what was read goes far enough into what comes now. */
  #overlaps(room: string, missed: readonly MessageEntry[]): boolean {
    const come = this.#come(room);
    return missed.filter(({ id }) => come.has(id)).length >= LIMITS.missedOverlapMax;
  }

  /** The ids of what waits. */
  #come(room: string): ReadonlySet<string> {
    const events = this.#waiting.get(room)?.events ?? [];
    return new Set(events.map(idOf));
  }

  /** Tells what was missed, oldest first, and then what waits. */
  #end(room: string, missed: readonly MessageEntry[], isGap: boolean): void {
    const { events = [], before = 0 } = this.#waiting.get(room) ?? {};
    const come = this.#come(room);
    this.#waiting.delete(room);
    if (isGap) this.#tell({ type: "gap", room, missing: 0 });
    const logged = new Set(missed.map(({ id }) => id));
    const isRead = !isGap || logged.size > 0;
    const waiting = events.filter(
      (event, at) => at >= before || !isRead || event.type !== "message",
    );
    const places = new Map(waiting.map((event, at) => [idOf(event), at]));
    let next = 0;
    for (const message of missed) {
      if (!come.has(message.id) && this.#isEarlier(room, message.id)) continue;
      // What came before it, and is not in the log, was deleted meanwhile.
      for (const at = places.get(message.id) ?? 0; next < at; next++) {
        const event = waiting[next];
        if (event !== undefined && !logged.has(idOf(event))) this.#tell(event);
      }
      this.#tell({ type: "message", message: { ...message, late: true } });
    }
    for (const event of waiting.slice(next)) this.#tell(event);
  }

  /**
   * Whether a message stands before all that was told of what its server said in that life: it has
   * come into the log late, and behind those it would be out of their order.
   */
  #isEarlier(room: string, id: string): boolean {
    const first = this.#rooms.get(room)?.begun.get(lifeIn(id));
    return first !== undefined && id < first;
  }

  #note(room: string, id: string): void {
    const heard: Heard = this.#rooms.get(room) ?? { first: id, last: [], begun: new Map() };
    this.#rooms.set(room, heard);
    const life = lifeIn(id);
    if (life !== "" && !heard.begun.has(life)) {
      heard.begun.set(life, id);
      const [oldest = ""] = heard.begun.keys();
      if (heard.begun.size > LIMITS.livesBegunMax) heard.begun.delete(oldest);
    }
    heard.last.push(id);
    if (heard.last.length >= 2 * LIMITS.missedOverlapMax)
      heard.last.splice(0, LIMITS.missedOverlapMax);
    if (this.#rooms.size > LIMITS.roomsPerSessionMax) this.left(room);
  }

  #tell(event: ClientEvent): void {
    if (event.type === "private") {
      const { id, from, cid = "" } = event.message;
      const said = `@ ${from} ${cid.length < LIMITS.uniqueIdBytesMin ? id : cid}`;
      if (this.#told.has(said)) return;
      this.#told.add(said);
      this.#forget();
    }
    if (event.type === "message" && this.#toldOf(event.message)) return;
    this.#show(event);
  }

  /** Notes that a message is told; true where it was before. */
  #toldOf({ id, room, from, cid = "" }: MessageEntry): boolean {
    // One that is short may be another message's: only what is drawn at random is its own.
    const said = cid.length < LIMITS.uniqueIdBytesMin ? "" : `${from} ${cid}`;
    // A server that lies may give the ids of another one.
    const given = `${id} ${from}`;
    const isTold = this.#told.has(given) || this.#told.has(said);
    this.#told.add(given);
    if (said !== "") this.#told.add(said);
    if (id > this.#newest) this.#newest = id;
    if (!isTold) this.#note(room, id);
    this.#forget();
    return isTold;
  }

  #forget(): void {
    for (const key of this.#told) {
      if (this.#told.size <= LIMITS.toldIdsMax) break;
      this.#told.delete(key);
      const [first = ""] = key.split(" ");
      if (!first.includes("@") && first > this.#forgotten) this.#forgotten = first;
    }
  }
}

// --- internal -----------------------------------------------------------------------------------

/** A bug of ours: a refusal becomes a gap, or nothing. */
const throwLater = (thrown: unknown) =>
  queueMicrotask(() => {
    throw thrown;
  });

/**
 * Some of the messages that were told last, the first ones first: what was logged behind the others
 * in the same commit is read as well. Not all need be held: one may be told and not logged.
 */
const someOf = (told: readonly string[]): Set<string> =>
  new Set(
    [0, 0.25, 0.5, 0.75, 1].flatMap((part) => told.at(Math.floor(part * (told.length - 1))) ?? []),
  );

const has = (messages: readonly MessageEntry[], id: string): boolean =>
  messages.some((message) => message.id === id);

/** What an id says of its server's life; "" of one of another form. */
const lifeIn = (id: string): string => (id.length === ID_LENGTH ? id.slice(-LIFE_DIGITS) : "");
const ID_LENGTH = 21;
const LIFE_DIGITS = 8;

const idOf = (event: ClientEvent): string => (event.type === "message" ? event.message.id : "");

function roomOf(event: ClientEvent): string | undefined {
  if (event.type === "message") return event.message.room;
  // What was kept for one person is newer than what was said to all before.
  if (event.type === "private") return LOBBY;
  return event.type === "gap" ? event.room : undefined;
}
