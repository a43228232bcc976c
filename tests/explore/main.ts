// Runs configurations, prints a line for each, and the way to the first violation. Next: search.ts.

import { argumentsOf } from "../arguments.ts";
import { CONFIGS } from "./config.ts";
import type { Config } from "./config.ts";
import { search } from "./search.ts";
import type { Found, How } from "./search.ts";
import { traceOf } from "./trace.ts";
import { worldOf } from "./world.ts";

const HELP = `Usage: bun run explore [options]
  --config NAME   only this configuration; may be given several times
  --states N      at most so many states of each (300000)
  --breadth       breadth first, also where not all states can be met
  --seed N        another order of dives (1)
  --trace 0.2.1   only follow these moves of one configuration, and tell what happens
  --list          tell what there is
It ends with 1 if there is a violation, and prints the way to it.`;

/** How many states of single servers are met between two that are reached again and compared. */
const CHECK_EVERY = 50;

/** Returns the exit code. */
export function main(args: readonly string[]): number {
  const { values } = argumentsOf({
    args: [...args],
    options: {
      config: { type: "string", multiple: true },
      states: { type: "string", default: "300000" },
      breadth: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      trace: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return say(HELP);
  if (values.list) return say(CONFIGS.map(({ name, about }) => `${name}: ${about}`).join("\n"));
  const configs = CONFIGS.filter(({ name }) => values.config?.includes(name) ?? true);
  if (configs.length === 0) return say(`no such configuration; there are:\n${names()}`, 2);
  if (values.trace !== undefined) {
    const [config = CONFIGS[0]!] = configs;
    const way = values.trace.split(".").map(Number);
    return say(traceOf(worldOf(config), way).join("\n"));
  }
  const how = {
    statesMax: Number(values.states),
    dive: !values.breadth,
    seed: Number(values.seed),
    checkEvery: CHECK_EVERY,
  };
  let sum = 0;
  for (const config of configs) {
    const found = explore(config, how);
    sum += found.states;
    if (found.violation !== undefined) return tell(config, found, how);
  }
  return say(`${sum} states in ${configs.length} configurations, no violation`);
}

// --- internal ---

const names = (): string => CONFIGS.map(({ name }) => name).join(", ");

function say(text: string, code = 0): number {
  console.log(text);
  return code;
}

function explore(config: Config, how: How): Found {
  const began = performance.now();
  const found = search(worldOf(config), how);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const { states, transitions, depth, rests, complete, locals, executed } = found;
  console.log(
    `${config.name.padEnd(16)} ${states} states${complete ? " (all)" : ""}, ` +
      `${transitions} transitions, depth ${depth}, ${rests} at rest; ` +
      `${locals} states of servers, code run ${executed} times; ${seconds} s`,
  );
  return found;
}

/** Looks for a shorter way to a violation, and prints the shortest. */
function tell(config: Config, found: Found, how: How): number {
  const again = how.dive ? search(worldOf(config), { ...how, dive: false }) : found;
  const { what, way } = again.violation ?? found.violation!;
  console.log(traceOf(worldOf(config), way).join("\n"));
  console.log(`VIOLATION in ${config.name}: ${what}`);
  return say(`bun run explore --config ${config.name} --trace ${way.join(".")}`, 1);
}
