// What must hold at rest of what people have deleted: where a server's log has the deletion, its
// disk has the text no more: not in the messages, nor in the batches that it hands on.

import type { History } from "./history.ts";

/** Says where a text is still. */
export function checkDeleted({ crowd, ledger, servers, world }: History): string | undefined {
  const deleted = crowd.deletions.filter(({ id }) => id !== undefined);
  if (deleted.length === 0) return undefined;
  for (const host of servers.keys()) {
    const log = ledger.histories.get(host);
    if (log === undefined) continue;
    const disk = textsOf(world.disk(host).backup());
    for (const { id = "", said } of deleted) {
      // log-store.ts gives no promise.
      const rows = log.backlog(said.room as Room, 1, `${id}~`) as readonly { id: string }[];
      if (rows[0]?.id !== id || !disk.includes(`"text":"${said.text}"`)) continue;
      return `the disk of ${host} has "${said.text}", which ${said.by.address} has deleted`;
    }
  }
  return undefined;
}

// --- internal ---

type Room = Parameters<
  NonNullable<ReturnType<History["ledger"]["histories"]["get"]>>["backlog"]
>[0];

/** All that a log has on a disk, also what is in its batches. */
function textsOf(disk: ReadonlyMap<string, Uint8Array>): string {
  const segments = [...disk].filter(([key]) => key.startsWith("log-store.segment-"));
  return segments
    .map(([, bytes]) =>
      Buffer.from(bytes)
        .toString()
        .replaceAll(/"bytes":"([^"]*)"/g, (_, base64: string) =>
          Buffer.from(base64, "base64").toString("latin1"),
        ),
    )
    .join("\n");
}
