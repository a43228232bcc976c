// What a server uses while a file passes through it: from the ramp's end to the last byte.

import type { Account } from "./account.ts";

interface Moment {
  readonly servers: Account;
  readonly own: number;
  readonly ms: number;
}

export class FileMeter {
  phase: "ramp" | "measured" | "over" = "ramp";
  readonly #account: () => Account;
  readonly #own: () => number;
  #beforeBytes = 0;
  #mostBytes = 0;
  #began: Moment | undefined;
  #ended: Moment | undefined;
  #bytes = 0;

  /** Reads the servers' account, and the seconds of CPU that the generator has used. */
  constructor(account: () => Account, own: () => number) {
    this.#account = account;
    this.#own = own;
  }

  /** All are there, and no file yet. */
  settle(): void {
    this.#beforeBytes = this.#account().residentBytes;
  }

  /** The ramp is over. False when it was before. */
  begin(): boolean {
    if (this.phase !== "ramp") return false;
    this.phase = "measured";
    this.#began = this.#moment();
    this.#mostBytes = this.#beforeBytes;
    return true;
  }

  /** Looks at the memory in between. */
  look(): void {
    this.#mostBytes = Math.max(this.#mostBytes, this.#account().residentBytes);
  }

  /** The last byte has come; so many since the ramp. */
  end(bytes: number): void {
    this.#ended = this.#moment();
    this.#bytes = bytes;
    this.phase = "over";
  }

  told() {
    const [began, ended] = [this.#began, this.#ended];
    if (began === undefined || ended === undefined) throw new Error("it was not measured");
    const seconds = (ended.ms - began.ms) / 1000;
    return {
      bytes: this.#bytes,
      seconds,
      cpuSeconds: ended.servers.cpuSeconds - began.servers.cpuSeconds,
      beforeBytes: this.#beforeBytes,
      peakBytes: ended.servers.peakBytes,
      grownBytes: this.#mostBytes - this.#beforeBytes,
      generatorShare: (ended.own - began.own) / seconds,
    };
  }

  // --- internal ---------------------------------------------------------------------------------

  #moment(): Moment {
    return { servers: this.#account(), own: this.#own(), ms: performance.now() };
  }
}
