// Lines for everybody about servers that came and went; nobody is told of who came and went again.

import { LIMITS } from "../limits.ts";
import type { ServerName } from "../names.ts";
import type { FabricReport } from "../plugin/fabric.ts";
import type { FusionOptions } from "./fusion.ts";
import { reasonOf } from "./link-lines.ts";

type ServerLinesOptions = Pick<FusionOptions, "self" | "fabric" | "rooms" | "report">;

export function createServerLines({ self, fabric, rooms, report }: ServerLinesOptions) {
  let known: readonly ServerName[] = [];
  /** Who came and who went; nobody has been told yet. */
  const fresh = new Set<ServerName>();
  const gone = new Set<ServerName>();
  /** Who was lost and may come back. */
  const missing = new Set<ServerName>();
  const fusion = () => [self, ...known].map(String).toSorted();
  return {
    get fresh(): boolean {
      return fresh.size > 0;
    },
    get gone(): boolean {
      return gone.size > 0;
    },
    moved(came: readonly ServerName[], went: readonly ServerName[], now: readonly ServerName[]) {
      known = now;
      for (const name of went) if (!fresh.delete(name)) gone.add(name);
      for (const name of came) if (!gone.delete(name)) fresh.add(name);
    },
    /** Tells who is gone, and of the links by whose loss. */
    tellSplit(losses: readonly FabricReport[]): void {
      const servers = [...gone].map(String).toSorted();
      const isLost = losses.length === 0 || losses.some(({ code }) => code !== "UNMERGED");
      if (isLost) for (const name of gone) remember(missing, name);
      gone.clear();
      rooms().lobby.tell({ type: "split", servers, fusion: fusion() });
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
      for (const name of fresh) missing.delete(name);
      fresh.clear();
      rooms().lobby.tell({ type: "merged", servers, fusion: fusion() });
      const other = near?.name ?? servers[0] ?? "";
      report({ event: "merged", server: self, with: other, servers, fusion: fusion(), ...back });
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

function remember(names: Set<ServerName>, name: ServerName): void {
  names.add(name);
  if (names.size <= LIMITS.peersMax) return;
  const [oldest] = names;
  if (oldest !== undefined) names.delete(oldest);
}
