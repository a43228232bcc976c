// How costs grow: with the members of a room, rooms, connections, servers, people; one curve each.
//
//   bun run bench:growth                 prints the figures, and draws docs/pictures/growth-*.svg
//   bun run bench:growth --to FOLDER     draws them there
//   bun run bench:growth --only rooms    one of the curves; may be said again
//   bun run bench:growth --short         the two smallest steps of each, once; draws nothing
//   bun run bench:growth --json          one JSON object, for programs
//
// Exits with 1 if a message was lost, doubled, out of order or altered, or a run could not be done.

import { statSync } from "node:fs";
import { join } from "node:path";
import { argumentsOf } from "../arguments.ts";
import { chart } from "./chart.ts";
import type { Curve, Figures, How } from "./curve.ts";
import { tableOf } from "./curve.ts";
import { CURVES } from "./curves.ts";
import type { CurveName } from "./curves.ts";
import { workFolder } from "./folder.ts";
import { cores, machine } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { REPETITIONS_MAX, SHORT, WHOLE } from "./scenarios.ts";
import { digits } from "./table.ts";

/** The median of three bears one bad run, and the points beside it show it. */
const REPETITIONS = 3;
/** Of --short. */
const STEPS_SHORT = 2;
/** Shorter than the scenarios', which are fewer. */
const PACE: How["pace"] = { ...WHOLE, rampMs: 500, measureMs: 1000, idleMs: 2000 };

const MISSING = { throwIfNoEntry: false } as const;

const { values } = argumentsOf({
  options: {
    only: { type: "string", multiple: true },
    to: { type: "string" },
    repetitions: { type: "string" },
    short: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

if (process.platform !== "linux") {
  refuse(`expected Linux, whose /proc says what a server has used; got ${process.platform}`);
}
const names = checkedNames(values.only);
const repetitions = checkedRepetitions(values.repetitions) ?? (values.short ? 1 : REPETITIONS);
if (values.to !== undefined && statSync(values.to, MISSING)?.isDirectory() !== true) {
  refuse(`--to: expected a folder that is there, got ${values.to}`);
}
/** Few figures are no picture for the docs. */
const docs = values.short ? undefined : join(import.meta.dir, "../../docs/pictures");
const pictures = values.to ?? docs;
const began = performance.now();
const folder = workFolder("growth");
const pinning = cores();

await measureAll();

// --- internal ---

async function measureAll(): Promise<void> {
  const about = await machine();
  const told = [];
  say(
    `ChatFusion ${about.chatfusion} (${about.commit}), Bun ${about.bun}, ${about.processor}, ` +
      `${about.cores} cores, load ${about.load}`,
  );
  for (const name of names) {
    const figures = await measured(name);
    told.push({ curve: name, ...figures });
    for (const fault of figures.faults) {
      console.error(`${name}, ${fault}`);
      process.exitCode = 1;
    }
    const { title, x, y } = CURVES[name];
    say(`\n${title}; ${y}\n\n${tableOf(x, [...figures.drawn, ...figures.beside])}`);
    if (pictures !== undefined) await draw(name, figures, { about, pictures });
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  say(`\nin ${seconds} s`);
  if (values.json) console.log(JSON.stringify({ machine: about, seconds, curves: told }));
}

/** What cannot be done is told as a fault, and the other curves are measured. */
async function measured(name: CurveName): Promise<Figures> {
  const curve: Curve = CURVES[name];
  const steps = values.short ? curve.steps.slice(0, STEPS_SHORT) : curve.steps;
  const pace = values.short ? SHORT : PACE;
  const before = new Set<string>();
  const tell = (line: string) => {
    if (!before.has(line)) console.error(`${name}: ${line}`);
    before.add(line);
  };
  try {
    return await curve.run({ folder, cores: pinning, pace, repetitions, steps, tell });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return { drawn: [], beside: [], faults: [why] };
  }
}

async function draw(
  name: CurveName,
  { drawn: series }: Figures,
  to: { readonly about: Machine; readonly pictures: string },
): Promise<void> {
  if (series.length === 0) return;
  const { title, x, y } = CURVES[name];
  const lines = series.map(
    (one) => `${one.name}: ${one.points.map((at) => `${digits(at.median)} at ${at.x}`).join(", ")}`,
  );
  const description = `${y}, ${to.about.date}. ${lines.join(". ")}.`;
  const picture = chart({ title, description, x, y, series });
  await Bun.write(join(to.pictures, `growth-${name}.svg`), picture);
}

/** Tells people; programs want nothing else on stdout. */
function say(line: string): void {
  if (values.json) console.error(line);
  else console.log(line);
}

function checkedNames(only: readonly string[] | undefined): readonly CurveName[] {
  const all = Object.keys(CURVES) as CurveName[]; // its keys
  const wrong = only?.find((name) => !all.some((one) => one === name));
  if (wrong !== undefined) refuse(`--only: expected one of ${all.join(", ")}; got ${wrong}`);
  return only === undefined ? all : all.filter((name) => only.includes(name));
}

function checkedRepetitions(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= REPETITIONS_MAX) return count;
  return refuse(`--repetitions: expected an integer from 1 to ${REPETITIONS_MAX}, got ${text}`);
}

function refuse(why: string): never {
  console.error(why);
  // oxlint-disable-next-line unicorn/no-process-exit -- a program's first words, nothing is open
  return process.exit(2);
}
