// The rooms that a client is in, with the keys by which it came in: a new session is in none of
// them, and asks again. See client.ts.

/** Rooms by name. */
export class JoinedRooms extends Set<string> {
  readonly #keys = new Map<string, string>();

  /** What to ask to be in the room, as it was asked first. */
  ask(room: string, key = this.#keys.get(room)): { readonly room: string; readonly key?: string } {
    return key === undefined ? { room } : { room, key };
  }

  /** It is in the room, by this key if it needed one. */
  enter(room: string, key: string | undefined): void {
    this.add(room);
    if (key !== undefined) this.#keys.set(room, key);
  }

  /** It is in these rooms and no others. */
  reset(rooms: readonly string[]): void {
    for (const room of this) if (!rooms.includes(room)) this.delete(room);
    for (const room of rooms) this.add(room);
  }

  override delete(room: string): boolean {
    this.#keys.delete(room);
    return super.delete(room);
  }
}
