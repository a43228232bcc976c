// What the server costs, measured from outside, beside its peers. See docs/performance.md.
//
//   bun run bench                        all scenarios, five repetitions, a quarter of an hour
//   bun run bench --short                the most important ones, under two minutes
//   bun run bench --only fan-100         one of them; may be said again
//   bun run bench --subject irc          one of those that are measured; may be said again
//   bun run bench --json                 one JSON object, for programs
//
// Exits with 1 if a message was lost, doubled, out of order or altered, or a run could not be done.

import { argumentsOf } from "../arguments.ts";
import { workFolder } from "./folder.ts";
import { cores, descriptorsMax, machine } from "./machine.ts";
import { measure } from "./measure.ts";
import { PEER_NAMES, peers } from "./peers.ts";
import { relays } from "./relays.ts";
import { faultOf, Results } from "./results.ts";
import type { Row } from "./results.ts";
import type { Scenario } from "./scenarios.ts";
import {
  clientsWithin,
  REPETITIONS_MAX,
  SCENARIOS,
  SHORT,
  START,
  STARTS,
  WHOLE,
} from "./scenarios.ts";
import { helpMs, serveMs } from "./start.ts";
import { ours } from "./subjects.ts";
import type { Subject } from "./subjects.ts";
import { tableOf } from "./table.ts";

const OWN = ["bare", "default", "irc"] as const;

const { values } = argumentsOf({
  options: {
    only: { type: "string", multiple: true },
    subject: { type: "string", multiple: true },
    repetitions: { type: "string" },
    short: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

if (process.platform !== "linux") {
  refuse(`bench: expected Linux, whose /proc says what a server has used; got ${process.platform}`);
}
const pace = values.short ? SHORT : WHOLE;
const asked = checkedRepetitions(values.repetitions);
const repetitions = asked ?? pace.repetitions;
const names = checkedNames(values.only);
const began = performance.now();
const folder = workFolder("bench");
const pinning = cores();
const installed = peers(folder, pinning);
const ways = relays(folder, pinning);
const subjects = checkedSubjects(values.subject);
/** ngircd is the slowest, and waits for seconds until it joins another one. */
const isTooSlow = (name: string) =>
  values.short && name === "ngircd" && values.subject === undefined;
const found = installed.found.filter(({ name }) => isAsked(name) && !isTooSlow(name));
const own = OWN.filter(isAsked).map((name) => ours(name, folder, pinning));
const notes = [...installed.missing, ...ways.missing];
if (installed.found.some(({ name }) => isTooSlow(name))) {
  notes.push("ngircd: skipped, too slow for --short");
}

await measureAll();

// --- internal ---

async function measureAll(): Promise<void> {
  const about = await machine();
  const versions = Object.fromEntries(found.map(({ name, version }) => [name, version]));
  say(
    [
      `ChatFusion ${about.chatfusion} (${about.commit}), Bun ${about.bun}`,
      ...found.map(({ name, version }) => `${name} ${version}`),
    ].join(", "),
  );
  say(
    `${about.processor}, ${about.cores} cores, ${about.memoryGb} GB, ${about.system}, ` +
      `load ${about.load}, ${about.pinned ? "server and generator on a core each" : "not pinned"}`,
  );
  for (const note of notes) say(note);
  const results = [];
  for (const name of names) {
    if (performance.now() - began > pace.msMax) {
      notes.push(`${name}: skipped, no time is left`);
      say(notes.at(-1) ?? "");
      continue;
    }
    const scenario = SCENARIOS.find((one) => one.name === name);
    const others = scenario === undefined ? [] : othersIn(scenario);
    const rows = scenario === undefined ? await starts() : await measured(sized(scenario), others);
    const what =
      scenario?.what ?? "from the start of a process until a server listens, or has ended";
    results.push({ scenario: name, what, rows });
    say(`\n${name}: ${what}\n\n${tableOf(rows, referencesOf(others))}`);
    for (const row of rows) tellFault(name, row);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  say(`\nin ${seconds} s`);
  if (values.json) {
    console.log(JSON.stringify({ machine: about, versions, pace, notes, seconds, results }));
  }
}

function isAsked(name: string): boolean {
  return subjects === undefined || subjects.includes(name);
}

/** With whom all are compared: the peers; and with ours by the native protocol, ours by IRC. */
function referencesOf(others: readonly Subject[]): readonly string[] {
  const natives = own.filter(({ name }) => name === "bare");
  const isAsIrc = own.some(({ name }) => name === "irc");
  return [...(isAsIrc ? natives : []), ...others].map(({ name }) => name);
}

/** As many idle clients as there can be. */
function sized(scenario: Scenario): Scenario {
  if (scenario.load.kind !== "idle") return scenario;
  const descriptors = descriptorsMax();
  const clients = clientsWithin(pace.idleClients, descriptors);
  if (clients < pace.idleClients) {
    notes.push(`idle: ${clients} clients, as a process may open ${descriptors} files (ulimit -n)`);
    say(notes.at(-1) ?? "");
  }
  return { ...scenario, load: { kind: "idle", clients } };
}

/** Whom we are compared with. Relays carry files, and no lines beside them. */
function othersIn({ load }: Scenario): readonly Subject[] {
  if (load.kind !== "file") return found;
  return load.linesPerSecond === undefined && load.stallMs === undefined ? ways.found : [];
}

/** The rows of those subjects that can play a scenario. */
async function measured(scenario: Scenario, others: readonly Subject[]): Promise<Row[]> {
  const playing = [...own, ...others].filter((subject) => {
    const why = subject.skips(scenario);
    if (why !== undefined) say(`${subject.name}: skipped in ${scenario.name}: ${why}`);
    return why === undefined;
  });
  const until = began + pace.repeatMsMax;
  const results = await measure(scenario, playing, { pace, repetitions, cores: pinning, until });
  return results.rows(referencesOf(others), playing);
}

async function starts(): Promise<Row[]> {
  const results = new Results();
  await serveMs(folder, pinning); // makes its key and its database
  const times = asked ?? (values.short ? STARTS.short : STARTS.whole);
  for (let time = 0; time < times; time++) {
    results.add("serve", { kind: "started", ms: await serveMs(folder, pinning) });
    results.add("--help", { kind: "started", ms: await helpMs(folder, pinning) });
  }
  return results.rows([], [{ name: "serve" }, { name: "--help" }]);
}

function tellFault(scenario: string, row: Row): void {
  const fault = faultOf(row);
  if (fault === undefined) return;
  console.error(`${scenario}, ${row.subject}: ${fault}`);
  process.exitCode = 1;
}

/** Tells people; programs want nothing else on stdout. */
function say(line: string): void {
  if (values.json) console.error(line);
  else console.log(line);
}

function checkedNames(only: readonly string[] | undefined): readonly string[] {
  const all = [...SCENARIOS.map(({ name }) => name), START];
  const short = [...SCENARIOS.flatMap(({ name, isShort }) => (isShort ? [name] : [])), START];
  const wrong = only?.find((name) => !all.includes(name));
  if (wrong !== undefined) refuse(`--only: expected one of ${all.join(", ")}; got ${wrong}`);
  return only ?? (values.short ? short : all);
}

/** What is not installed is told, and left out. */
function checkedSubjects(only: readonly string[] | undefined): readonly string[] | undefined {
  const all = [...OWN, ...PEER_NAMES];
  const wrong = only?.find((name) => !all.includes(name));
  if (wrong !== undefined) refuse(`--subject: expected one of ${all.join(", ")}; got ${wrong}`);
  return only;
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
