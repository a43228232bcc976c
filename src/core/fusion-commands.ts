// The console's commands about the fusion: merge, its dry run, unmerge, map.

import * as v from "valibot";
import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import type { ServerName, Sid } from "../names.ts";
import { parseServerName, visible } from "../names.ts";
import type { Command, CommandResult } from "../plugin/context.ts";
import type { Caller } from "../plugin/hooks.ts";
import type { Fabric, MergeOutcome } from "../plugin/fabric.ts";
import { command } from "../plugin.ts";
import type { Audit } from "./audit.ts";
import { refusalAt } from "./errand.ts";
import type { FusionPart } from "./fusion.ts";
import type { Governance } from "./governance.ts";
import { mapText } from "./map-text.ts";
import type { People } from "./people.ts";
import { prospectOf } from "./prospect.ts";
import { callerName } from "./room-commands.ts";
import { OPERATOR } from "./states.ts";
import { summaryOf } from "./summary.ts";
import type { Surveyed } from "./survey.ts";

export interface FusionCommandsOptions {
  readonly audit: Audit;
  readonly fabric: () => Fabric;
  readonly governance: Governance;
  readonly people: People;
  readonly fusion: Pick<FusionPart, "merging" | "survey">;
}

/** The commands of the fusion. */
export function fusionCommands(options: FusionCommandsOptions): Record<string, Command> {
  const { people, fabric, fusion } = options;
  const dryRun = async (address: string): Promise<CommandResult | Failure> => {
    const outcome = await fabric().merge(address, { dryRun: true });
    if (outcome.other === undefined)
      return isFailure(outcome) ? refusalAt(address, outcome) : answer(outcome);
    const { servers, neighbours } = fabric().view;
    return prospectOf(outcome, outcome.other, {
      servers: people.fusionNames(),
      summary: summaryOf(people, options.governance.states.ruled),
      isIn: (sid) => servers.some((one) => one.sid === sid),
      isNeighbour: (sid) => neighbours.includes(sid),
    });
  };
  /** `before`: to whom there was a link when it was asked for. */
  const answer = (outcome: MergeOutcome, before: readonly Sid[] = []): CommandResult | Failure => {
    if (isFailure(outcome)) return failure(outcome.code, visible(outcome.text));
    const { state, server, sid } = outcome;
    const names = state === "possible" ? outcome.fusion : people.fusionNames();
    const wasLinked = before.includes(sid);
    const said = {
      merged: wasLinked
        ? `${server} is linked already: nothing has changed`
        : `merged with ${server}`,
      unmerged: `unmerged from ${server}`,
      standby: wasLinked
        ? `${server} is linked already: the link stays in reserve (standby)`
        : `${server} is in the fusion already: the link is kept in reserve (standby)`,
      possible: `merging with ${server} would be accepted`,
    }[state];
    const text = `${said}; the fusion: ${names.join(", ")}`;
    return { text, data: { state, server, sid, fusion: names } };
  };
  /** Notes what an operator has done, unless it was refused. */
  const noted = (caller: Caller, did: string, to: string, outcome: MergeOutcome) => {
    if (!isFailure(outcome)) options.audit.note({ by: callerName(caller), did, to });
    return outcome;
  };
  return {
    merge: command({
      about: "join this fusion to another server and all it is merged with",
      usage: "HOST:PORT [--dry-run]",
      role: OPERATOR,
      args: v.union(
        [
          v.strictTuple([Address]),
          v.strictTuple([Address, v.literal(DRY_RUN)]),
          v.strictTuple([v.literal(DRY_RUN), Address]),
        ],
        ({ input }) => expectedText(input),
      ),
      run: async (words, caller) => {
        const address = words.find((word) => word !== DRY_RUN) ?? "";
        if (words.includes(DRY_RUN)) return dryRun(address);
        const { neighbours } = fabric().view;
        const outcome = await fusion.merging.merge(address);
        return answer(noted(caller, "merge", address, outcome), neighbours);
      },
    }),
    unmerge: command({
      about: "part from a neighbour for good",
      usage: "SERVER",
      role: OPERATOR,
      args: v.strictTuple([v.string()], "expected the name of a neighbour"),
      run: async ([name], caller) => {
        const server = parsed(name);
        if (isFailure(server))
          return failure(server.code, `${server.text}; ${linksText(fabric())}`);
        const outcome = await fabric().unmerge(server);
        fusion.merging.tellGone();
        return answer(noted(caller, "unmerge", server, outcome));
      },
    }),
    map: command({
      about: "the servers of the fusion and their links",
      role: OPERATOR,
      args: v.strictTuple([], "expected nothing after it"),
      run: async () => map(await fusion.survey.take(), people),
    }),
  };
}

// --- internal -----------------------------------------------------------------------------------

const DRY_RUN = "--dry-run";
const Address = v.pipe(
  v.string(),
  v.check(
    (word) => !word.startsWith("-"),
    ({ input }) => expectedText([input]),
  ),
);

/** Which names can be unmerged. */
function linksText({ view: { servers, neighbours } }: Fabric): string {
  const names = servers.flatMap(({ sid, name }) => (neighbours.includes(sid) ? [name] : []));
  return names.length === 0 ? "there are no links" : `links: ${names.toSorted().join(", ")}`;
}

function parsed(name: string): ServerName | Failure {
  try {
    return parseServerName(name);
  } catch (thrown) {
    return failureOf(thrown);
  }
}

/** What is wrong with the words of a merge: mostly the one flag, misspelt. */
function expectedText(words: unknown): string {
  const flags = Array.isArray(words)
    ? words.map(String).filter((word) => word.startsWith("-"))
    : [];
  const wrong = flags.find((word) => word !== DRY_RUN);
  if (wrong === undefined) return "expected one address";
  return `${visible(wrong)}: unknown flag; expected ${DRY_RUN}`;
}

function map(surveyed: Surveyed, people: People): CommandResult {
  const { servers, links } = surveyed.view;
  const names = new Map(servers.map(({ sid, name }) => [sid, name]));
  const counts = new Map(people.fusion().servers.map((row) => [row.server, row.people]));
  const peopleOn = (server: string) => counts.get(server) ?? 0;
  const rows = servers.map(({ sid, name, hops }) => {
    const answered = !surveyed.silent.has(sid);
    return { server: name, sid, hops, people: peopleOn(name), answered };
  });
  const edges = links.map(({ a, b, ...rest }) => ({
    a: names.get(a) ?? a,
    b: names.get(b) ?? b,
    ...rest,
  }));
  return { text: mapText(surveyed, peopleOn), data: { servers: rows, links: edges } };
}
