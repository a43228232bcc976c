// All curves of growth, by the names that `bun run bench:growth --only` takes, in the order of
// docs/performance.md.

import type { Curve } from "./curve.ts";
import { crowds, merges } from "./curves-merges.ts";
import { people, simulated } from "./curves-simulated.ts";
import { connections, idle, members, rooms, servers, shared } from "./curves-talk.ts";

export const CURVES = {
  members,
  rooms,
  shared,
  connections,
  idle,
  servers,
  simulated,
  merges,
  crowds,
  people,
} satisfies Readonly<Record<string, Curve>>;

export type CurveName = keyof typeof CURVES;
