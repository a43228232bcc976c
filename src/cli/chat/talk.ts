// Where goes what is typed without a command: to the lobby, until /talk says otherwise. It stays so
// where nobody can be told there: what was meant for few is refused, rather than told to all.

import type { Client, ClientEvent } from "../../client.ts";
import { ChatFusionError } from "../../errors.ts";
import { type Name, parseRoomName, sameName, visible } from "../../names.ts";
import { addressOf } from "./whom.ts";

/** A room, or one person. */
export type Place = { readonly room: string } | { readonly to: string };

/** What is typed for a room begins so. */
export const isRoom = (text: string): boolean => /^[#&]/.test(text);

/** Whether two names are one; they are only compared. */
export const isSame = (one: string, other: string): boolean => sameName(one as Name, other as Name);

export class Talk {
  readonly #client: Pick<Client, "server" | "rooms" | "welcome" | "request">;
  /** Undefined for the lobby. */
  #place: Place | undefined;
  /** The person was out of sight: somebody else may have the nick. */
  #isUnsure = false;

  constructor(client: Pick<Client, "server" | "rooms" | "welcome" | "request">) {
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

  /** The place where it is not the lobby. */
  get only(): string | undefined {
    return this.#place && this.name;
  }

  /** How it stands before what is typed; "" for the lobby. */
  get sign(): string {
    if (this.#place === undefined) return "";
    return "room" in this.#place ? this.#place.room : `→ ${this.#place.to}`;
  }

  /** Where a text goes now. Throws `NO_SUCH_NICK` where that may be somebody else by now. */
  next(): Place {
    if (!this.#isUnsure) return this.place;
    const who = visible(this.name);
    const text = `${who}: was out of sight, and may be somebody else now; go on by /talk ${who}`;
    throw new ChatFusionError("NO_SUCH_NICK", text);
  }

  /**
   * From now on it goes to this room or person, and to the lobby for "". Resolves to the name.
   * Rejects with the server's refusal, with `ROOM_INVALID`, or with `NOT_IN_ROOM`: it goes there
   * all the same, and is refused, until another place is named.
   */
  async to(text: string): Promise<string> {
    this.#isUnsure = false;
    this.#place = undefined;
    if (text === "" || isSame(text, this.lobby)) return this.lobby;
    const place = isRoom(text) ? { room: text } : { to: addressOf(this.#client, text) };
    this.#place = place;
    const name = "to" in place ? await this.#personOf(place.to) : await this.#roomOf(text);
    if (this.#place === place) this.#place = "to" in place ? { to: name } : { room: name };
    return name;
  }

  /** Whether whoever sits here is in a room. */
  isIn(room: string): boolean {
    return [...this.#client.rooms].some((one) => isSame(one, room));
  }

  /** Whoever sits here has left a room, of their own will. */
  left(room: string): { readonly talk?: string } {
    if (this.#place === undefined || !isSame(this.name, room)) return {};
    this.#place = undefined;
    return { talk: this.lobby };
  }

  /** Looks at what becomes of the person; in a large lobby their going is not told. */
  happened(event: ClientEvent): void {
    const { place } = this;
    if (!("to" in place)) return;
    const isThey = (address: string) => isSame(address, place.to);
    if (event.type === "renamed" && isThey(event.was.address))
      this.#place = { to: event.person.address };
    else if (event.type === "left")
      this.#isUnsure ||= event.gone === true && isThey(event.person.address);
    else if (event.type === "split") {
      const server = place.to.slice(place.to.lastIndexOf("@") + 1);
      this.#isUnsure ||= event.servers.some((one) => isSame(one, server));
    } else if (event.type === "connection") this.#isUnsure ||= event.state === "back";
  }

  // --- internal ---------------------------------------------------------------------------------

  async #personOf(address: string): Promise<string> {
    return (await this.#client.request("whois", { address })).address;
  }

  async #roomOf(text: string): Promise<string> {
    const room = parseRoomName(text);
    await this.#client.request("who", { room, limit: 1 }); // behind a join that is under way
    const found = [...this.#client.rooms].find((one) => isSame(one, room));
    if (found !== undefined) return found;
    const how = `enter it by /join ${visible(room)}`;
    throw new ChatFusionError("NOT_IN_ROOM", `${visible(room)}: you are not in this room; ${how}`);
  }
}
