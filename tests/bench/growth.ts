// How the cost of a delivery grows with the members of a room, and with the number of rooms:
//
//   bun run bench:growth                 prints the figures, and draws docs/pictures/growth-*.svg
//   bun run bench:growth --to FOLDER     draws them there
//   bun run bench:growth --only rooms    one of the curves
//
// Exits with 1 if a message was lost, doubled, out of order or altered.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { argumentsOf } from "../arguments.ts";
import { chart } from "./chart.ts";
import type { Series } from "./chart.ts";
import { workFolder } from "./folder.ts";
import { cores, descriptorsMax, machine } from "./machine.ts";
import { measure } from "./measure.ts";
import { faultOf } from "./results.ts";
import type { Row } from "./results.ts";
import type { Scenario } from "./scenarios.ts";
import { clientsWithin, WHOLE } from "./scenarios.ts";
import { ours } from "./subjects.ts";
import { digits, markdown } from "./table.ts";

/** The median of three bears one bad run, and the points beside it show it. */
const REPETITIONS = 3;
/** People of one room who talk at most, and messages on their way in it. */
const TALKERS_MAX = 64;
const IN_FLIGHT = 64;
const ROOM_MEMBERS = 10;
const STEPS = {
  members: [10, 30, 100, 300, 1000, 3000, 10_000],
  rooms: [1, 3, 10, 30, 100, 300, 1000],
} as const;

type CurveName = keyof typeof STEPS;

interface Curve {
  readonly title: string;
  readonly x: string;
  load(step: number): Scenario["load"];
}

const CURVES: Readonly<Record<CurveName, Curve>> = {
  members: {
    title: "Cost of a delivery, by the members of a room",
    x: "members of the room",
    load: (members) => ({
      kind: "rooms",
      groups: 1,
      members,
      talkers: Math.min(TALKERS_MAX, members),
      textBytes: 100,
      window: IN_FLIGHT,
    }),
  },
  rooms: {
    title: `Cost of a delivery, by the number of rooms of ${ROOM_MEMBERS} members`,
    x: "rooms in which somebody talks",
    load: (groups) => ({
      kind: "rooms",
      groups,
      members: ROOM_MEMBERS,
      talkers: 1,
      textBytes: 100,
      window: 1,
    }),
  },
};

const { values } = argumentsOf({
  options: {
    only: { type: "string" },
    to: { type: "string", default: join(import.meta.dir, "../../docs/pictures") },
    json: { type: "boolean", default: false },
  },
});

const names = checkedNames(values.only);
if (!existsSync(values.to)) refuse(`--to: expected a folder that is there, got ${values.to}`);
const folder = workFolder("growth");
const pinning = cores();
const subjects = [ours("bare", folder, pinning), ours("default", folder, pinning)];

await measureAll();

// --- internal ---

async function measureAll(): Promise<void> {
  const about = await machine();
  const told = [];
  for (const name of names) {
    const { title, x } = CURVES[name];
    const points = await pointsOf(name);
    const series = subjects.map((subject): Series => ({
      name: subject.name,
      points: points.flatMap(({ step, rows }) => {
        const row = rows.find((one) => one.subject === subject.name);
        const cost = row?.values["cpuUsPerDelivery"];
        return cost === undefined ? [] : [{ x: step, ...cost }];
      }),
    }));
    const lines = series.map(
      (one) =>
        `${one.name}: ${one.points.map((at) => `${digits(at.median)} at ${at.x}`).join(", ")}`,
    );
    const description = `µs of CPU a delivery, ${about.date}. ${lines.join(". ")}.`;
    const picture = chart({ title, description, x, y: "µs of CPU a delivery", series });
    await Bun.write(join(values.to, `growth-${name}.svg`), picture);
    told.push({ curve: name, series });
    if (!values.json) console.log(`\n${title}, µs\n\n${tableOf(name, series)}`);
  }
  if (values.json) console.log(JSON.stringify({ machine: about, curves: told }));
}

async function pointsOf(name: CurveName): Promise<{ step: number; rows: readonly Row[] }[]> {
  const points = [];
  const descriptors = descriptorsMax();
  for (const step of STEPS[name]) {
    const load = CURVES[name].load(step);
    const people = "groups" in load ? load.groups * load.members : 0;
    if (people > clientsWithin(people, descriptors)) {
      console.error(`${name}: not ${step}, as a process may open ${descriptors} files (ulimit -n)`);
      continue;
    }
    const how = { pace: WHOLE, repetitions: REPETITIONS, cores: pinning, until: Infinity };
    const results = await measure({ servers: 1, load }, subjects, how);
    const rows = results.rows([], subjects);
    for (const row of rows) {
      const fault = faultOf(row);
      if (fault === undefined) continue;
      console.error(`${step} ${name}, ${row.subject}: ${fault}`);
      process.exitCode = 1;
    }
    points.push({ step, rows });
  }
  return points;
}

function tableOf(name: CurveName, series: readonly Series[]): string {
  const steps = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))];
  const cells = series.map(({ name: subject, points }) => [
    subject,
    ...steps.map((step) => {
      const point = points.find(({ x }) => x === step);
      if (point === undefined) return "";
      return `${digits(point.median)} (${digits(point.min)}–${digits(point.max)})`;
    }),
  ]);
  return markdown([[name, ...steps.map((step) => step.toLocaleString("en"))], ...cells]);
}

function checkedNames(only: string | undefined): readonly CurveName[] {
  const all = Object.keys(STEPS) as CurveName[]; // its keys
  if (only === undefined) return all;
  const found = all.find((name) => name === only);
  return found === undefined
    ? refuse(`--only: expected one of ${all.join(", ")}; got ${only}`)
    : [found];
}

function refuse(why: string): never {
  console.error(why);
  // oxlint-disable-next-line unicorn/no-process-exit -- a program's first words, nothing is open
  return process.exit(2);
}
