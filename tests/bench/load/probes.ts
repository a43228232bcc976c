// Whom somebody hears before anything counts: of each server one who talks at least, since servers
// learn of each other's people one after another. See run.ts.

export class Probes {
  readonly #servers: number;
  readonly #awaited: Uint8Array;
  /** Of how many servers somebody is still to hear, all seats together. */
  toCome = 0;

  constructor(seats: number, servers: number) {
    this.#servers = servers;
    this.#awaited = new Uint8Array(seats * servers);
  }

  /** Who has this seat is to hear somebody of this server. */
  expect(seat: number, server: number): void {
    const place = seat * this.#servers + server;
    if (this.#awaited[place] === 1) return;
    this.#awaited[place] = 1;
    this.toCome += 1;
  }

  heard(seat: number, server: number): void {
    const place = seat * this.#servers + server;
    if (this.#awaited[place] !== 1) return;
    this.#awaited[place] = 0;
    this.toCome -= 1;
  }
}
