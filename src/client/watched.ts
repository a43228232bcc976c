// Whom a client watches, so that it goes on over a new session: there they are watched again, and
// what has changed meanwhile is told. See client.ts.
// Invariant: of each who is watched, a state is told once, and then each other one.

import type { Answer, RequestName, Requests as Asks } from "../protocol/messages.ts";
import type { ClientEvent } from "./events.ts";
import type { RequestTable } from "./requests.ts";

export class Watched {
  readonly #requests: RequestTable;
  /** Who is watched, and what was told last; undefined before the first word. */
  readonly #told = new Map<string, boolean | undefined>();

  constructor(requests: RequestTable) {
    this.#requests = requests;
  }

  /** Asks the server something, and remembers who is to be watched, and who no more. */
  ask<T extends RequestName>(name: T, ask: Asks[T]["ask"]): Promise<Answer<T>> {
    const addresses = (answer: Answer<T>) => (answer as Answer<"watch">).addresses; // of these two
    const answered = {
      watch: (answer: Answer<T>) => {
        for (const one of addresses(answer)) this.#told.set(one, this.#told.get(one));
      },
      unwatch: (answer: Answer<T>) => {
        for (const one of addresses(answer)) this.#told.delete(one);
      },
    }[name as string];
    return this.#requests.ask(name, ask, answered);
  }

  /** Whether an event is news. */
  isNews(event: ClientEvent): boolean {
    if (event.type !== "watched") return true;
    if (this.#told.get(event.address) === event.online) return false;
    // Also of one who is unknown here: it may come before the answer of `watch`.
    this.#told.set(event.address, event.online);
    return true;
  }

  /** There is a new session, which watches nobody yet. */
  back(): void {
    const addresses = [...this.#told.keys()];
    if (addresses.length === 0) return;
    // Refused only when the client ends.
    this.#requests.watchAgain(addresses).catch(() => undefined);
  }
}
