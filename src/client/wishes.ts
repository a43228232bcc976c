// What a client has asked for that is to hold in its next session, too: its nick, its rooms, whom
// it watches, that it is away, and of a guest whom it ignores; however it was asked for. See
// client.ts.
// Invariant: of each who is watched, a state is told once, and then each other one.

import type { Answer, RequestName, Requests as Asks } from "../protocol/messages.ts";
import type { ClientEvent } from "./events.ts";
import type { Identity } from "./identity.ts";
import type { RequestTable } from "./requests.ts";

/** What is done where a room is entered or left. */
interface Rooms {
  entered(room: string, key: string | undefined): void;
  left(room: string): void;
}

export class Wishes {
  readonly #requests: RequestTable;
  readonly #identity: Identity;
  readonly #rooms: Rooms;
  /** Who is watched, and what was told last; undefined before the first word. */
  readonly #told = new Map<string, boolean | undefined>();
  readonly #ignored = new Set<string>();
  #away: string | undefined;

  constructor(requests: RequestTable, identity: Identity, rooms: Rooms) {
    this.#requests = requests;
    this.#identity = identity;
    this.#rooms = rooms;
  }

  /** Asks the server something, and remembers what must hold in the next session, too. */
  ask<T extends RequestName>(name: T, ask: Asks[T]["ask"]): Promise<Answer<T>> {
    if (name === "command") this.#identity.runs(ask as Asks["command"]["ask"]); // by its name
    const note = this.#notes[name];
    return this.#requests.ask(name, ask, note && ((answer) => note(answer, ask)));
  }

  /** Whether an event is news. */
  isNews(event: ClientEvent): boolean {
    if (event.type !== "watched") return true;
    if (this.#told.get(event.address) === event.online) return false;
    // Also of one who is unknown here: it may come before the answer of `watch`.
    this.#told.set(event.address, event.online);
    return true;
  }

  /** There is a new session, which knows nothing of it yet. */
  back(): void {
    const addresses = [...this.#told.keys()];
    if (addresses.length > 0) this.#again("watch", { addresses });
    if (this.#away !== undefined) this.#again("away", { text: this.#away });
    for (const address of this.#ignored) this.#again("ignore", { address });
  }

  // --- internal ---------------------------------------------------------------------------------

  readonly #notes: {
    readonly [T in RequestName]?: (answer: Answer<T>, ask: Asks[T]["ask"]) => void;
  } = {
    join: ({ room }, { key }) => this.#rooms.entered(room, key),
    part: ({ room }) => this.#rooms.left(room),
    rename: ({ nick }, { password }) => this.#identity.renamed(nick, password),
    command: (answer, ask) => this.#identity.ran(ask, answer),
    watch: ({ addresses }) => {
      for (const one of addresses) this.#told.set(one, this.#told.get(one));
    },
    unwatch: ({ addresses }) => {
      for (const one of addresses) this.#told.delete(one);
    },
    away: ({ text }) => {
      this.#away = text;
    },
    ignore: ({ address }) => void this.#ignored.add(address),
    unignore: ({ address }) => void this.#ignored.delete(address),
  };

  /** Refused only when the client ends, or where it is undone elsewhere. */
  #again<T extends RequestName>(name: T, ask: Asks[T]["ask"]): void {
    this.#requests.askAgain(name, ask).catch(() => undefined);
  }
}
