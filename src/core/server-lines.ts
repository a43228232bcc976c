// Lines for everybody about servers that came and went; nobody is told of who came and went again.

import { LIMITS } from "../limits.ts";
import type { ServerName, Sid } from "../names.ts";
import type { FabricReport } from "../plugin/fabric.ts";
import type { FusionOptions } from "./fusion.ts";
import { reasonOf } from "./link-lines.ts";

/** Told by its name, known by its sid: a namesake that comes later is another one. */
export interface Server {
  readonly sid: Sid;
  readonly name: ServerName;
}

type ServerLinesOptions = Pick<FusionOptions, "self" | "fabric" | "rooms" | "report">;

export function createServerLines({ self, fabric, rooms, report }: ServerLinesOptions) {
  let known: readonly Server[] = [];
  /** Who came and who went; nobody has been told yet. */
  const fresh = new Map<Sid, ServerName>();
  const gone = new Map<Sid, ServerName>();
  /** Who was lost and may come back. */
  const missing = new Set<Sid>();
  const fusion = () => sorted([self, ...known.map(({ name }) => name)]);
  return {
    get fresh(): boolean {
      return fresh.size > 0;
    },
    get gone(): boolean {
      return gone.size > 0;
    },
    moved(came: readonly Server[], went: readonly Server[], now: readonly Server[]) {
      known = now;
      for (const { sid, name } of went) if (!fresh.delete(sid)) gone.set(sid, name);
      for (const { sid, name } of came) if (!gone.delete(sid)) fresh.set(sid, name);
    },
    /** Tells who is gone, and of the links by whose loss. */
    tellSplit(losses: readonly FabricReport[]): void {
      const servers = sorted(gone.values());
      const isLost = losses.length === 0 || losses.some(({ code }) => code !== "UNMERGED");
      if (isLost) for (const sid of gone.keys()) remember(missing, sid);
      gone.clear();
      rooms().lobby.tell({ type: "split", servers, fusion: fusion() });
      const [first] = losses;
      const code = first?.code === undefined ? {} : { code: first.code };
      const because = first === undefined ? {} : { why: reasonOf(losses), ...code };
      report({ event: "split", server: self, lost: servers, fusion: fusion(), ...because });
    },
    /** Tells who has come, and whether they were here before. */
    tellMerged(): void {
      const servers = sorted(fresh.values());
      const { neighbours, servers: inView } = fabric().view;
      const near = inView.find(({ sid }) => neighbours.includes(sid) && fresh.has(sid));
      const isBack = [...fresh.keys()].every((sid) => missing.has(sid));
      const back = isBack ? { back: true as const } : {};
      for (const sid of fresh.keys()) missing.delete(sid);
      fresh.clear();
      rooms().lobby.tell({ type: "merged", servers, fusion: fusion() });
      const other = near?.name ?? servers[0] ?? "";
      report({ event: "merged", server: self, with: other, servers, fusion: fusion(), ...back });
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const sorted = (names: Iterable<ServerName>): string[] => [...names].map(String).toSorted();

function remember(sids: Set<Sid>, sid: Sid): void {
  sids.add(sid);
  if (sids.size <= LIMITS.peersMax) return;
  const [oldest] = sids;
  if (oldest !== undefined) sids.delete(oldest);
}
