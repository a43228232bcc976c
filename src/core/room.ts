// A room's members on this server and the batches they share: each event is encoded once per
// format, all events of a tick are one buffer, and the same buffer goes to every member.
// Invariants: 1. A member's `index` is its place in its group. 2. A group's bytes before a member's
// `since` are not for it. 3. A flushed buffer is never changed again.

import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { isShared } from "../names.ts";
import type { Format, RoomEvent } from "../plugin/gateway.ts";
import { FrameBuffer } from "../protocol/frame.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import type { Outlet } from "./outlet.ts";

/** Of whom somebody wants to hear nothing. */
export interface Ignoring {
  event(event: RoomEvent): boolean;
  person(by: Pick<MessageEntry, "from" | "account">): boolean;
}

/** What a room needs of a session. */
export interface Listener {
  readonly outlet: Outlet;
  /** Takes what rooms said between two ticks, in its turn. False as `Outlet.send`. */
  tell(bytes: Bytes): boolean;
  /** Undefined for nearly all: they share the whole batch. */
  readonly ignoring?: Ignoring | undefined;
  /** The wire's bound is passed: the session is to be closed. */
  overflowed(): void;
  /** Its format could not encode an event, which all of the format miss. */
  formatFailed(thrown: unknown): void;
}

/** One session's place in one room. */
export interface Member<L extends Listener = Listener> {
  readonly session: L;
  readonly room: Room<L>;
  group: Group<L>;
  index: number;
  /** Offset in the group's batch at which this member came. */
  since: number;
}

/** The members of a room that share a format, and the batch that is being made for them. */
export class Group<L extends Listener> {
  readonly format: Format;
  readonly members: Member<L>[] = [];
  /** It is in the tick's list; the tick's. */
  queued = false;
  readonly #batch = new FrameBuffer();
  /** Events in the batch. */
  #events = 0;
  /** Members that came within this tick. */
  #newcomers: Member<L>[] = [];
  /** Members who ignore somebody; nearly always there is none. */
  #ignorers: Set<L> | undefined;
  /**
   * Start and end of the events that a member is not to get: what they ignore, and of a format
   * without echo their own.
   */
  #cuts: Map<L, number[]> | undefined;

  constructor(format: Format) {
    this.format = format;
  }

  /** Bytes in the batch. */
  get length(): number {
    return this.#batch.length;
  }

  /** Adds an event; returns whether there are members to hear it. */
  add(event: RoomEvent, by: L | undefined, ready: Bytes | undefined): boolean {
    if (this.members.length === 0) return false;
    const encoded = ready ?? this.#encode(event);
    if (encoded.length === 0) return false;
    const start = this.length;
    this.#batch.add(encoded);
    if (by !== undefined && !this.format.echo) this.#cut(by, start);
    if (this.#ignorers !== undefined)
      for (const one of this.#ignorers)
        if (one.ignoring?.event(event) === true) this.#cut(one, start);
    this.#events++;
    return true;
  }

  /** Looks anew at whether a member ignores somebody, for the next events. */
  heed({ session }: Member<L>): void {
    if (session.ignoring === undefined) this.#ignorers?.delete(session);
    else (this.#ignorers ??= new Set()).add(session);
  }

  enter(member: Member<L>): void {
    member.group = this;
    member.index = this.members.push(member) - 1;
    member.since = this.length;
    if (this.length > 0) this.#newcomers.push(member);
    if (member.session.ignoring !== undefined) this.heed(member);
  }

  /** Takes a member out; it still gets what was said while it was in. */
  leave(member: Member<L>): void {
    const last = this.members.pop() as Member<L>; // the member itself is in, so there is one
    if (last !== member) {
      this.members[member.index] = last;
      last.index = member.index;
    }
    if (this.length > member.since) this.#send(member, this.#batch.copy());
    this.#ignorers?.delete(member.session);
  }

  /** Takes what a member has not been handed yet; the batch is for it from here on. */
  take(member: Member<L>): Bytes[] {
    if (this.length === member.since) return [];
    const pieces = this.#pieces(member, this.#batch.copy());
    if (member.since === 0) this.#newcomers.push(member);
    member.since = this.length;
    return pieces;
  }

  /** Hands the batch to every member and begins a new one; returns how many events it held. */
  flush(): number {
    if (this.length === 0) return 0;
    const events = this.#events;
    const batch = this.#batch.take();
    const cuts = this.#cuts;
    for (const member of this.members) {
      if (member.since === 0 && cuts?.has(member.session) !== true) {
        if (!member.session.outlet.send(batch)) member.session.overflowed();
      } else this.#send(member, batch);
    }
    // One that went on to another group within the tick counts from there.
    for (const member of this.#newcomers) if (member.group === this) member.since = 0;
    this.#newcomers.length = 0;
    this.#cuts = undefined;
    this.#events = 0;
    return events;
  }

  // --- internal ---------------------------------------------------------------------------------

  /** Other formats must not miss an event because one of a plugin throws. */
  #encode(event: RoomEvent): string | Bytes {
    try {
      return this.format.encode(event);
    } catch (thrown) {
      this.members[0]?.session.formatFailed(thrown);
      return "";
    }
  }

  /** A session is not to get what was added last. */
  #cut(session: L, start: number): void {
    this.#cuts ??= new Map();
    const cuts = this.#cuts.get(session);
    if (cuts === undefined) this.#cuts.set(session, [start, this.length]);
    else if (cuts.at(-1) === start) cuts[cuts.length - 1] = this.length;
    else cuts.push(start, this.length);
  }

  #send(member: Member<L>, batch: Bytes): void {
    for (const piece of this.#pieces(member, batch))
      if (!member.session.tell(piece)) member.session.overflowed();
  }

  /** A batch without what came before the member, and without what it is not to get. */
  #pieces(member: Member<L>, batch: Bytes): Bytes[] {
    const pieces: Bytes[] = [];
    const send = (from: number, to: number) => {
      if (to > from) pieces.push(batch.subarray(from, to));
    };
    let at = member.since;
    const cuts = this.#cuts?.get(member.session) ?? [];
    for (let i = 0; i < cuts.length; i += 2) {
      const start = cuts[i] as number; // cuts come in pairs
      if (start > at) send(at, start);
      at = Math.max(at, cuts[i + 1] as number);
    }
    send(at, batch.length);
    return pieces;
  }
}

/** A group has something to hand over; what hurries waits for no more messages. */
export type GroupDirty<L extends Listener> = (group: Group<L>, hurries: boolean) => void;

export class Room<L extends Listener = Listener> {
  readonly name: RoomName;
  /** Spans the fusion; a local room never leaves its server. */
  readonly shared: boolean;
  /** Not everybody may be or speak here: who says something is looked at (governance.ts). */
  restricted = false;
  readonly #groups = new Map<Format, Group<L>>();
  readonly #dirty: GroupDirty<L>;
  #size = 0;

  constructor(name: RoomName, dirty: GroupDirty<L>) {
    this.name = name;
    this.shared = isShared(name);
    this.#dirty = dirty;
  }

  /** Members on this server. */
  get size(): number {
    return this.#size;
  }

  get formats(): Iterable<Format> {
    return this.#groups.keys();
  }

  /** All members on this server; not to be called per message. */
  *members(): Generator<L> {
    for (const group of this.#groups.values()) for (const one of group.members) yield one.session;
  }

  enter(session: L, format: Format): Member<L> {
    const group = this.#group(format);
    const member: Member<L> = { session, room: this, group, index: 0, since: 0 };
    group.enter(member);
    this.#size++;
    return member;
  }

  leave(member: Member<L>): void {
    member.group.leave(member);
    this.#forgetEmpty(member.group);
    this.#size--;
  }

  /** The old format's part of this tick goes first, then the new one's. */
  change(member: Member<L>, format: Format): void {
    member.group.leave(member);
    this.#forgetEmpty(member.group);
    this.#group(format).enter(member);
  }

  /**
   * Tells the members. `by` is the session that caused it, for formats without echo; `ready` holds
   * the event as `readyFormat` encodes it, where that is known already.
   */
  tell(event: RoomEvent, by?: L, readyFormat?: Format, ready?: Bytes): void {
    for (const group of this.#groups.values()) {
      const bytes = group.format === readyFormat ? ready : undefined;
      if (!group.add(event, by, bytes)) continue;
      const canWait = event.type === "message" || event.type === "typing";
      this.#dirty(group, !canWait || group.length > LIMITS.roomBatchBytesMax);
    }
  }

  // --- internal ---------------------------------------------------------------------------------

  #group(format: Format): Group<L> {
    let group = this.#groups.get(format);
    if (group === undefined) {
      group = new Group(format);
      this.#groups.set(format, group);
    }
    return group;
  }

  #forgetEmpty(group: Group<L>): void {
    if (group.members.length === 0) {
      group.flush(); // nobody is left: only forgets the bytes
      this.#groups.delete(group.format);
    }
  }
}
