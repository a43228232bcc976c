// The benchmark of rooms: that each of its parts still runs through, with few people. What it
// measures is asserted nowhere.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { largeRoom, manyMemberships, manyRooms } from "./rooms-crowded.ts";
import { crowdedFusion } from "./rooms-fusion.ts";
import { ruledRoom } from "./rooms-ruled.ts";

const folder = mkdtempSync(join(tmpdir(), "chatfusion-bench-rooms-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FEW = { members: 20, rooms: 20, own: 5, people: 100, bans: 6, roles: 3, pins: 3, runs: 1 };

for (const part of [largeRoom, manyRooms, manyMemberships, ruledRoom, crowdedFusion])
  test(`its part ${part.name} runs through`, async () => {
    const rows = await part(FEW, folder);
    expect(rows.length).toBeGreaterThan(0);
    for (const { what, runs, median } of rows) {
      expect(runs, what).toBeGreaterThan(0);
      expect(Number.isFinite(median), what).toBeTrue();
    }
  }, 30_000);
