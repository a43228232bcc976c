// Lines for everybody about servers that came and went; nobody is told of who came and went again.

import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import type { FabricReport, View } from "../plugin/fabric.ts";
import type { FusionOptions } from "./fusion.ts";
import { reasonOf } from "./link-lines.ts";
import type { Peer } from "./peer.ts";

/** The names at a link's ends. */
type Ends = readonly [ServerName, ServerName];
/** How many people a server has, in all and by room. */
interface Numbers {
  readonly people: number;
  readonly rooms: ReadonlyMap<RoomName, number>;
}

type ServerLinesOptions = Pick<FusionOptions, "self" | "fabric" | "rooms" | "report">;

export function createServerLines({ self, fabric, rooms, report }: ServerLinesOptions) {
  let known: readonly Peer[] = [];
  let links: readonly Ends[] = [];
  /** Links between those who are here and those who are gone. */
  let cuts: readonly Ends[] = [];
  /** Who came and who went; nobody has been told yet. */
  const fresh = new Set<ServerName>();
  const gone = new Map<ServerName, Numbers>();
  /** Who was lost and may come back. */
  const missing = new Set<ServerName>();
  const fusion = () => [self, ...known.map(({ name }) => name)].map(String).toSorted();
  /** What clients are told of so many people: the rooms in which somebody here misses them. */
  const shown = (all: readonly Numbers[]) => {
    const sums = new Map<RoomName, number>();
    for (const { rooms: some } of all)
      for (const [room, people] of some) sums.set(room, (sums.get(room) ?? 0) + people);
    const rows = [...sums].map(([room, people]) => ({ room, people }));
    const here = rows.filter(({ room }) => rooms().find(room) !== undefined);
    const most = here.toSorted((a, b) => b.people - a.people || (a.room < b.room ? -1 : 1));
    return {
      people: all.reduce((sum, { people }) => sum + people, 0),
      rooms: most.slice(0, LIMITS.movedRoomsMax),
    };
  };
  return {
    get fresh(): boolean {
      return fresh.size > 0;
    },
    get gone(): boolean {
      return gone.size > 0;
    },
    /** The view has changed, and `moved` knows whether servers came or went by it. */
    saw(view: View): void {
      const names = new Map(view.servers.map(({ sid, name }) => [sid, name]));
      links = view.links.flatMap(({ a, b, state }): Ends[] => {
        const [one, other] = [names.get(a), names.get(b)];
        if (state !== "tree" || one === undefined || other === undefined) return [];
        return [one < other ? [one, other] : [other, one]];
      });
    },
    moved(came: readonly Peer[], went: readonly Peer[], now: readonly Peer[]) {
      known = now;
      for (const peer of went) if (!fresh.delete(peer.name)) gone.set(peer.name, numbersOf(peer));
      for (const { name } of came) if (!gone.delete(name)) fresh.add(name);
      cuts = [...cuts, ...links].filter(([a, b]) => gone.has(a) !== gone.has(b));
    },
    /** Tells who is gone, and of the links by whose loss. */
    tellSplit(losses: readonly FabricReport[]): void {
      const servers = [...gone.keys()].map(String).toSorted();
      const numbers = shown([...gone.values()]);
      const cut = cuts.length === 0 ? {} : { cut: cuts.slice(0, LIMITS.listedMax) };
      cuts = [];
      const isLost = losses.length === 0 || losses.some(({ code }) => code !== "UNMERGED");
      if (isLost) for (const name of gone.keys()) remember(missing, name);
      gone.clear();
      rooms().lobby.tell({ type: "split", servers, fusion: fusion(), ...numbers, ...cut });
      const [first] = losses;
      const code = first?.code === undefined ? {} : { code: first.code };
      const because = first === undefined ? {} : { why: reasonOf(losses), ...code };
      report({ event: "split", server: self, lost: servers, fusion: fusion(), ...because });
    },
    /** Tells who has come, and whether they were here before. */
    tellMerged(): void {
      const servers = [...fresh].map(String).toSorted();
      const { neighbours, servers: inView } = fabric().view;
      const near = inView.find(({ sid, name }) => neighbours.includes(sid) && fresh.has(name));
      const back = [...fresh].every((name) => missing.has(name)) ? { back: true as const } : {};
      const numbers = shown(known.filter(({ name }) => fresh.has(name)).map(numbersOf));
      for (const name of fresh) missing.delete(name);
      fresh.clear();
      rooms().lobby.tell({ type: "merged", servers, fusion: fusion(), ...numbers, ...back });
      const other = near?.name ?? servers[0] ?? "";
      report({ event: "merged", server: self, with: other, servers, fusion: fusion(), ...back });
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const numbersOf = ({ people, rooms }: Peer): Numbers => ({
  people: people.size,
  rooms: new Map([...rooms].map(([room, members]) => [room, members.size])),
});

function remember(names: Set<ServerName>, name: ServerName): void {
  names.add(name);
  if (names.size <= LIMITS.peersMax) return;
  const [oldest] = names;
  if (oldest !== undefined) names.delete(oldest);
}
