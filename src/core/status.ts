// What a running server is doing, as its operator asks.

import type { Shared, Society } from "./server.ts";

/** Counts and names, as of now. */
export const statusOf = (
  { options, later, gate, sessions, metrics }: Shared,
  { people, rooms, mail, transfers, governance }: Society,
) => ({
  server: options.name,
  host: later.address?.host ?? options.listen.host,
  port: later.address?.port ?? 0,
  fusion: people.fusionNames(),
  sessions: sessions.count,
  people: people.fusion().servers.reduce((sum, row) => sum + row.people, 0),
  rooms: rooms.count,
  settings: governance.store.count,
  transfers: transfers.count,
  mail: mail.count,
  connections: gate.connections,
  strangers: gate.strangers,
  ...metrics.read(),
});
