// The people of a random history: what they said, what became of it, and what they were shown, in
// each session of theirs. What must hold of it is in speech.ts.

import type { SimPerson } from "../../src/testing.ts";
import type { ClientEvent } from "../../src/client.ts";
import { ChatFusionError } from "../../src/client.ts";
import type { History } from "./history.ts";
import { RULED } from "./rules.ts";

const SHARED_ROOMS = ["#left", "#right"];
const LOCAL_ROOM = "&own";
const LINES_MAX = 4;
/** Of all that is said, deletions; not all of them are taken: a guest has no past. */
const DELETIONS = 0.15;

/** A line in a room, or to one person. */
export interface Said {
  readonly text: string;
  readonly by: Listener;
  /** The author's session when it was said. */
  readonly session: number;
  readonly room: string | undefined;
  readonly to: Listener | undefined;
  /** The addressee's session then. */
  readonly toSession: number | undefined;
  readonly at: number;
  /** The author's session was lost meanwhile: it was asked again in a new one. */
  again: boolean;
  outcome: "pending" | "said" | "delivered" | "stored" | "failed" | "UNCONFIRMED";
  id?: string;
}

/** A line that its author has deleted, or tried to. */
export interface Deletion {
  readonly said: Said;
  /** Of the deletion, once it is acknowledged. */
  id?: string;
}

/** What a client was shown of a room, from one gap of unknown size to the next. */
export interface Stretch {
  readonly shown: string[];
  /** How many messages it was told are missing. */
  missing: number;
}

export interface Listener {
  readonly address: string;
  readonly host: string;
  /** The machine that they sit at. */
  readonly seat: string;
  readonly person: SimPerson;
  readonly rooms: readonly string[];
  /** By room. */
  readonly stretches: Map<string, Stretch[]>;
  /** All that was shown, as `id text`. */
  readonly shown: Set<string>;
  /** The same in its order, from one set-back of the server's log to the next. */
  readonly eras: string[][];
  readonly privates: Map<string, number>;
  /** Counts the sessions: one that is resumed goes on. */
  session: number;
  /** The connection was lost since; what came of it is not known until it is back. */
  broken: boolean;
}

export class Crowd {
  readonly listeners: Listener[] = [];
  readonly said = new Map<string, Said>();
  readonly deletions: Deletion[] = [];
  readonly violations: string[] = [];
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  /** Somebody comes in at a host, and joins rooms. */
  enter(host: string): void {
    const { random, simulation } = this.#history;
    const person = simulation.enter(`${host}er@${host}`, this.#history.rules.password());
    const rooms = [...SHARED_ROOMS, LOCAL_ROOM].filter(() => random.chance(0.7));
    for (const room of rooms) simulation.world.until(person.client.join(room));
    const listener: Listener = {
      address: person.address,
      host,
      seat: `${host}er at ${host}`,
      person,
      rooms: ["#lobby", ...rooms],
      stretches: new Map(),
      shown: new Set(),
      eras: [[]],
      privates: new Map(),
      session: 1,
      broken: false,
    };
    person.client.on((event) => this.#hears(listener, event));
    this.listeners.push(listener);
    this.#history.rules.entered(listener);
  }

  /** One of them says some lines, in a room or to somebody. */
  speak(by = this.#history.oneOf(this.listeners)): void {
    const { random } = this.#history;
    if (by === undefined) return;
    for (let count = 1 + random.below(LINES_MAX); count > 0; count -= 1) {
      if (random.chance(DELETIONS)) this.#delete(by);
      else if (random.chance(0.25)) this.#tell(by, random.pick(this.listeners));
      else this.say(by, random.pick(by.rooms));
    }
  }

  say(by: Listener, room: string): void {
    const said = this.#note({ by, room, to: undefined });
    this.#follow(said, by.person.client.say(room, said.text));
  }

  /** Whether somebody has deleted a line, or tried to. */
  isDeleted(said: Said): boolean {
    return this.deletions.some((one) => one.said === said);
  }

  /** Their server is down: no session of theirs goes on, and nobody may have told them yet. */
  serverDown(host: string): void {
    for (const listener of this.listeners) if (listener.host === host) listener.broken = true;
  }

  /** Their server's disk takes again what it had refused: that may be shown late. */
  diskTakes(host: string): void {
    for (const listener of this.listeners) if (listener.host === host) listener.eras.push([]);
  }

  /** Their server's log was wiped or set back: it can't tell them what they missed since. */
  logSetBack(host: string): void {
    for (const listener of this.listeners) {
      if (listener.host !== host) continue;
      listener.eras.push([]);
      for (const room of listener.rooms) endStretch(listener, room);
    }
  }

  /** Something of theirs has no answer yet. */
  waits(by: Listener): boolean {
    return [...this.said.values()].some((one) => one.by === by && one.outcome === "pending");
  }

  // --- internal ---

  #tell(by: Listener, to: Listener): void {
    const said = this.#note({ by, room: undefined, to });
    this.#follow(said, by.person.client.tell(to.address, said.text));
  }

  #delete(by: Listener): void {
    const { random, marks } = this.#history;
    const own = [...this.said.values()].filter(
      (one) => one.by === by && one.id !== undefined && one.room !== undefined,
    );
    const said = own.at(-1 - random.below(Math.min(own.length, LINES_MAX)));
    if (said?.id === undefined || said.room === undefined) return;
    const deletion: Deletion = { said };
    this.deletions.push(deletion);
    by.person.client.say(said.room, "", { kind: "delete", about: said.id }).then(
      ({ id }) => {
        deletion.id = id;
        marks.hit("people: deleted");
      },
      (thrown: unknown) =>
        marks.hit(`people: not deleted: ${thrown instanceof ChatFusionError ? thrown.code : "?"}`),
    );
  }

  #note(of: Pick<Said, "by" | "room" | "to">): Said {
    const said: Said = {
      ...of,
      text: `line ${this.said.size + 1}`,
      session: of.by.session,
      toSession: of.to?.session,
      at: this.#history.world.now,
      again: of.by.broken,
      outcome: "pending",
    };
    this.said.set(said.text, said);
    return said;
  }

  #follow(said: Said, asked: Promise<{ readonly id: string; readonly outcome?: string }>): void {
    const { marks, ledger } = this.#history;
    asked.then(
      ({ id, outcome }) => {
        said.id = id;
        said.outcome = outcome === undefined ? "said" : (outcome as Said["outcome"]); // as told
        marks.hit(`people: ${said.outcome}`);
        // It may be answered for by a later life of its server: the disk is what counts.
        if (said.room !== undefined && !ledger.durable.has(`${said.by.host} ${id}`))
          this.violations.push(`${said.text} of ${said.by.address} was acknowledged unlogged`);
      },
      (thrown: unknown) => {
        const code = thrown instanceof ChatFusionError ? thrown.code : String(thrown);
        said.outcome = code === "UNCONFIRMED" ? code : "failed";
        marks.hit(`people: ${code}`);
      },
    );
  }

  #hears(listener: Listener, event: ClientEvent): void {
    const isRuled = event.type === "message" && event.message.room === RULED;
    if (isRuled) return; // who hears what there is in rules.ts
    if (event.type === "message") this.#shows(listener, event.message);
    else if (event.type === "gap" && event.room !== RULED) {
      if (event.missing === 0) endStretch(listener, event.room);
      else stretchOf(listener, event.room).missing += event.missing;
      this.#history.marks.hit(`people: gap told${event.missing === 0 ? ", of unknown size" : ""}`);
    } else if (event.type === "private") {
      const { text } = event.message;
      listener.privates.set(text, (listener.privates.get(text) ?? 0) + 1);
    } else if (event.type === "connection") this.#connection(listener, event.state);
  }

  #shows(
    listener: Listener,
    { id, text, room, kind, ...rest }: { id: string; text: string; room: string; kind: string },
  ): void {
    if (kind === "delete") return; // it comes when it has been judged, and not where it is in vain
    const what = `${id} ${text}`;
    if (listener.shown.has(what))
      this.violations.push(`${listener.address} was shown ${room} "${text}" twice`);
    listener.shown.add(what);
    listener.eras.at(-1)?.push(what);
    stretchOf(listener, room).shown.push(what);
    if ("late" in rest) this.#history.marks.hit("people: shown late");
  }

  #connection(listener: Listener, state: string): void {
    if (state === "lost") listener.broken = true;
    if (state === "resumed" || state === "back") listener.broken = false;
    if (state !== "back") return;
    listener.session += 1;
    for (const said of this.said.values())
      if (said.by === listener && said.outcome === "pending") said.again = true;
  }
}

// --- internal ---

function stretchesOf({ stretches }: Listener, room: string): Stretch[] {
  const known = stretches.get(room) ?? [{ shown: [], missing: 0 }];
  stretches.set(room, known);
  return known;
}

const endStretch = (listener: Listener, room: string): unknown =>
  stretchesOf(listener, room).push({ shown: [], missing: 0 });

/** The one that goes on. */
const stretchOf = (listener: Listener, room: string): Stretch =>
  stretchesOf(listener, room).at(-1) as Stretch; // there is always one
