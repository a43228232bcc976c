// Two honest servers with histories, each with a person, and a liar among them (liar.ts).

import { expect } from "bun:test";
import { Liar } from "./liar.ts";
import type { Json, Peer } from "./peer.ts";
import { lobby, say, Town } from "./town.ts";

/** Long after all that is said here. */
export const FUTURE = Date.UTC(2030, 0, 1);

/** What a server tells of streams in the lobby whose origin is away. */
export const held = (streams: readonly unknown[]): Json => ({ t: "held", room: lobby, streams });

/** Two honest servers with histories, paris and lyon, and a liar, nice. */
export class LyingTown extends Town {
  readonly liar: Liar;
  readonly ana: Peer;
  readonly bob: Peer;

  constructor(seed: string) {
    super(seed, ["paris", "lyon"]);
    this.ana = this.enter("paris", "ana");
    this.bob = this.enter("lyon", "bob");
    this.liar = new Liar(this.place, "nice");
    this.join("paris", "lyon", "nice");
    for (const to of ["paris", "lyon"]) {
      const people = [["mal", "", 1, []]];
      this.liar.tell(to, { t: "people", v: 1, first: true, last: true, people });
      this.liar.tell(to, { t: "stand", heads: { [lobby]: 0 } });
    }
    this.place.rest();
  }

  override join(...names: readonly string[]): void {
    this.place.hub.join(...names);
    this.place.rest(3000);
  }

  /** The frames of a class that a server has sent to another. */
  frames(from: string, to: string, traffic: string) {
    return this.place.hub.frames.filter(
      (frame) => frame.from === from && frame.to === to && frame.traffic === traffic,
    );
  }

  /** Nobody is held up, and nothing has thrown. */
  isWell(texts: readonly string[] = this.bob.texts()): void {
    const before = [...texts];
    say(this.ana, "all is well");
    this.place.rest(200);
    expect(this.bob.texts()).toEqual([...before, "all is well"]);
    expect(this.bob.all("gap")).toEqual([]);
    expect(this.place.faults()).toEqual([]);
  }
}
