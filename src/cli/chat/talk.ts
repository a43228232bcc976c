// Where goes what is typed without a command: to the lobby, until /talk says otherwise. It stays so
// where nobody can be told there: what was meant for few is refused, rather than told to all.

import type { Client } from "../../client.ts";
import { type Name, nameKey } from "../../names.ts";
import { addressOf } from "./whom.ts";

/** A room, or one person. */
export type Place = { readonly room: string } | { readonly to: string };

export class Talk {
  readonly #client: Pick<Client, "server" | "rooms" | "welcome">;
  /** Undefined for the lobby. */
  #place: Place | undefined;

  constructor(client: Pick<Client, "server" | "rooms" | "welcome">) {
    this.#client = client;
  }

  get lobby(): string {
    return this.#client.welcome?.lobby ?? "#lobby";
  }

  get place(): Place {
    return this.#place ?? { room: this.lobby };
  }

  /** The room, or the address. */
  get name(): string {
    const { place } = this;
    return "room" in place ? place.room : place.to;
  }

  /** The room, also for what cannot be done in private. */
  get room(): string {
    const { place } = this;
    return "room" in place ? place.room : this.lobby;
  }

  /** How it stands before what is typed; "" for the lobby. */
  get sign(): string {
    if (this.#place === undefined) return "";
    return "room" in this.#place ? this.#place.room : `→ ${this.#place.to}`;
  }

  /** From now on it goes to this room or person, and to the lobby for ""; returns the name. */
  to(text: string): string {
    const isRoom = /^[#&]/.test(text);
    const room = isRoom ? ([...this.#client.rooms].find((one) => isSame(one, text)) ?? text) : "";
    if (text === "" || room === this.lobby) this.#place = undefined;
    else this.#place = isRoom ? { room } : { to: addressOf(this.#client, text) };
    return this.name;
  }

  /** Whoever sits here leaves a room, of their own will. */
  leave(room: string): void {
    if (this.#place !== undefined && isSame(this.name, room)) this.#place = undefined;
  }

  /** Somebody has another nick. */
  renamed(was: string, now: string): void {
    if (this.#place !== undefined && isSame(this.name, was)) this.#place = { to: now };
  }
}

// --- internal -----------------------------------------------------------------------------------

/** Names that are only compared. */
const isSame = (one: string, other: string): boolean =>
  nameKey(one as Name) === nameKey(other as Name);
