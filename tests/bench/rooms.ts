// What people wait for where rooms are as large, or as many, as they may be: one room of 10,000
// members, 10,000 rooms, one user in 500 of them, a room with 1,250 things set, and 100,000 people
// in a simulated fusion.
//
//   bun run bench:rooms                prints the figures
//   bun run bench:rooms --only many    one part of them; may be said again
//   bun run bench:rooms --short        a tenth of all sizes, and fewer questions
//   bun run bench:rooms --json         one JSON object

import { argumentsOf } from "../arguments.ts";
import { workFolder } from "./folder.ts";
import { machine } from "./machine.ts";
import { largeRoom, manyMemberships, manyRooms } from "./rooms-crowded.ts";
import { crowdedFusion } from "./rooms-fusion.ts";
import { ruledRoom } from "./rooms-ruled.ts";
import type { Row, Size } from "./rooms-stage.ts";
import { digits, markdown } from "./table.ts";

const WHOLE: Size = {
  members: 10_000,
  rooms: 10_000,
  own: 500,
  people: 100_000,
  bans: 1000,
  roles: 200,
  pins: 50,
  runs: 20,
};
const SHORT: Size = {
  members: 1000,
  rooms: 1000,
  own: 50,
  people: 10_000,
  bans: 100,
  roles: 20,
  pins: 5,
  runs: 3,
};

const PARTS = {
  large: largeRoom,
  many: manyRooms,
  memberships: manyMemberships,
  ruled: ruledRoom,
  fusion: crowdedFusion,
} satisfies Record<
  string,
  (size: Size, folder: string) => readonly Row[] | Promise<readonly Row[]>
>;
type Part = keyof typeof PARTS;

const { values } = argumentsOf({
  options: {
    only: { type: "string", multiple: true },
    short: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
await main();

// --- internal ---

async function main(): Promise<void> {
  const all = Object.keys(PARTS) as Part[]; // its keys
  const unknown = values.only?.filter((name) => !(all as string[]).includes(name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`--only: expected ${all.join(", ")}, got ${unknown.join(", ")}`);
  const names = values.only === undefined ? all : all.filter((one) => values.only?.includes(one));
  const size = values.short ? SHORT : WHOLE;
  const about = await machine();
  const folder = workFolder("rooms");
  const parts: Record<string, readonly Row[]> = {};
  if (!values.json) {
    const { commit, bun, processor, cores, load } = about;
    console.log(`commit ${commit}, Bun ${bun}, ${processor}, ${cores} cores, load ${load}`);
  }
  for (const name of names) {
    const rows = await PARTS[name](size, folder);
    parts[name] = rows;
    if (!values.json) console.log(`\n${titleOf(name, size)}\n\n${tableOf(rows)}`);
  }
  if (values.json) console.log(JSON.stringify({ machine: about, size, parts }));
}

function titleOf(name: Part, size: Size): string {
  const n = (number: number) => number.toLocaleString("en");
  const { bans, roles, pins } = size;
  const titles: Readonly<Record<Part, string>> = {
    large: `a room of ${n(size.members)} members`,
    many: `a server with ${n(size.rooms)} rooms`,
    memberships: `one user in ${n(size.own)} rooms`,
    ruled: `a room with ${n(bans)} bans, ${n(roles)} roles and ${n(pins)} pins, on three servers`,
    fusion: `${n(size.people)} people on ten simulated servers, all of them in one room`,
  };
  return titles[name];
}

function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ what, runs, median, least, most, cpuMs }) => [
    what,
    digits(median),
    digits(least),
    digits(most),
    cpuMs === undefined ? "" : digits(cpuMs),
    String(runs),
  ]);
  return markdown([
    ["ms, if not said otherwise", "median", "least", "most", "CPU", "runs"],
    ...cells,
  ]);
}
