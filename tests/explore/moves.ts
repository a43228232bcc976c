// What can happen next in a situation, and what comes of it. Every order of events that a network
// and its operators could bring about is a path of these moves:
//
// 1. Frames of one connection and direction arrive in order; all else in any order.
// 2. A connection that breaks still delivers what was on its way, up to any point; then that end
//    learns of the loss. A server that is killed breaks its connections, and starts at once: that
//    it stays down for a while is the same as dials to it that fail.
// 3. A dial reaches its server at any time. Then the dialling side learns of it as well: until the
//    other hello comes, its session does nothing.
// 4. What a step leaves for later is worked off in it, or, where the configuration says so, at any
//    time after it.
// 5. Each server has its own clock, which stands still but when its alarm rings. Alarms ring when
//    nothing is on its way, or, so often as the configuration says, at any time.

import type { FullLink } from "./facts.ts";
import type { Said } from "./locals.ts";
import { INPUT } from "./locals.ts";
import { isAtRest, mustBeRefused, patientOnes, wrongToUndo } from "./rest.ts";
import { copyOf, GONE, NONE } from "./situation.ts";
import type { Connection, End, Situation } from "./situation.ts";
import { isQuiet, learns, serverAt } from "./world.ts";
import type { World } from "./world.ts";

export interface Move {
  readonly is:
    | "tick"
    | "say"
    | "arrive"
    | "fail"
    | "hear"
    | "lose"
    | "cut"
    | "restart"
    | "copy"
    | "restore"
    | "ring";
  /** The operator, the server, the dial or the connection, by its place in the situation. */
  readonly at: number;
  /** Which end; or, of an alarm, 1 where only patient wishes are due. */
  readonly side: 0 | 1;
}

/** All that can happen next. */
export function movesOf(world: World, situation: Situation): Move[] {
  const { config } = world;
  const { connections, dials, locals } = situation;
  const moves: Move[] = [];
  const add = (is: Move["is"], at: number, side: 0 | 1 = 0) => void moves.push({ is, at, side });
  config.operators.forEach(({ after }, at) => {
    const may = after === undefined || (situation.answered & (1 << after)) !== 0;
    if (may && (situation.said & (1 << at)) === 0) add("say", at);
  });
  dials.forEach((dial, at) => {
    add("arrive", at);
    const fails = situation.cuts > 0 && config.halfOpen !== true;
    if (dial.number === GONE || fails) add("fail", at);
  });
  connections.forEach(({ ends, broken }, at) => {
    for (const side of [0, 1] as const) {
      const { number, coming } = ends[side];
      if (number === GONE) continue;
      if (coming.length > 0) add("hear", at, side);
      if (broken && learns(config, side)) add("lose", at, side);
    }
    if (!broken && situation.cuts > 0 && mayBreak(world, situation, ends)) add("cut", at);
  });
  locals.forEach((_, at) => {
    if (situation.restarts > 0) add("restart", at);
    if (situation.restores > 0) add(situation.copies[at] === NONE ? "copy" : "restore", at);
  });
  const quiet = isQuiet(world, situation);
  const patient = quiet ? patientOnes(world, situation) : [];
  locals.forEach((local, at) => {
    if (world.locals.facts(local).ticks) add("tick", at);
    if (world.locals.facts(local).busy !== undefined) {
      if (quiet || situation.hurries > 0) add("ring", at);
    } else if (patient.includes(at)) add("ring", at, 1);
  });
  return moves;
}

/** What comes of a move; a text where the fabric did what it must not. */
export function follow(world: World, before: Situation, move: Move): Situation | string {
  const after = copyOf(before);
  if (!["arrive", "hear", "tick"].includes(move.is)) after.calm = after.sides = 0;
  const run = new Runner(world, after);
  switch (move.is) {
    case "say": {
      const { at, ...word } = world.config.operators[move.at]!;
      after.said |= 1 << move.at;
      const is = "merge" in word ? INPUT.merge : INPUT.unmerge;
      const server = world.addresses.indexOf(at);
      if ("merge" in word && isAtRest(world, before)) {
        const to = serverAt(world, word.merge);
        after.calm = mustBeRefused(world, before, server, to) ? 2 : 1;
        after.sides = fusionOf(world, before, server) | (fusionOf(world, before, to) << 4);
      }
      run.step(server, is, move.at, 0);
      break;
    }
    case "arrive":
      run.arrive(move.at);
      break;
    case "fail": {
      const [dial] = after.dials.splice(move.at, 1);
      if (dial === undefined || dial.number === GONE) break;
      after.cuts--;
      run.step(dial.from, INPUT.failed, dial.number, 0);
      break;
    }
    case "hear":
      run.hear(after.connections[move.at]!, move.side);
      break;
    case "lose": {
      const end = after.connections[move.at]!.ends[move.side];
      const { server, number } = end;
      leave(end);
      run.step(server, INPUT.lost, number, 0);
      break;
    }
    case "cut":
      after.cuts--;
      after.connections[move.at]!.broken = true;
      break;
    case "restart":
      after.restarts--;
      run.begin(move.at, world.locals.disk(after.locals[move.at]!));
      break;
    case "copy":
      after.copies[move.at] = world.locals.disk(after.locals[move.at]!);
      break;
    case "restore":
      after.restores--;
      run.begin(move.at, after.copies[move.at]!);
      break;
    case "tick":
      run.step(move.at, INPUT.tick, 0, 0);
      break;
    case "ring":
      if (isQuiet(world, before)) after.waits++;
      else after.hurries--;
      run.step(move.at, INPUT.ring, move.side, 0);
      break;
  }
  return run.fault ?? after;
}

// --- internal ---

class Runner {
  fault: string | undefined;
  readonly #world: World;
  readonly #situation: Situation;

  constructor(world: World, situation: Situation) {
    this.#world = world;
    this.#situation = situation;
  }

  step(server: number, is: number, where: number, what: number): void {
    const { locals } = this.#situation;
    const step = this.#world.locals.step(locals[server]!, is, where, what);
    if (step.fault !== undefined) this.fault ??= step.fault;
    const { full, tree } = this.#world.locals.facts(locals[server]!);
    locals[server] = step.next;
    if (this.#situation.calm > 0) this.#checkCalm(server, tree);
    for (const said of step.said) {
      if (said.is === "send") this.#checkEnd(server, full[said.end], said.message);
      this.#follow(server, said);
    }
  }

  arrive(at: number): void {
    const { connections, dials, locals } = this.#situation;
    const { from, to, number, hello } = dials[at]!;
    dials.splice(at, 1);
    const free = (server: number) => this.#world.locals.facts(locals[server]!).freeEnd;
    const dialler = { server: from, number: GONE, coming: [] };
    const accepter = { server: to, number: free(to), coming: [] };
    connections.push({ ends: [dialler, accepter], broken: number === GONE });
    if (number !== GONE) {
      dialler.number = free(from);
      this.step(from, INPUT.opened, number, dialler.number);
    }
    if (from === to) accepter.number = free(to); // the dialling end has the first one
    this.step(to, INPUT.accept, accepter.number, hello);
  }

  hear({ ends }: Connection, side: 0 | 1): void {
    const { server, number, coming } = ends[side];
    const message = coming.shift()!;
    if (this.#world.locals.messages.of(message).end !== undefined) leave(ends[side]);
    this.step(server, INPUT.hear, number, message);
  }

  begin(server: number, disk: number): void {
    const { config, locals, addresses } = this.#world;
    const { connections, dials } = this.#situation;
    for (const connection of connections) {
      for (const end of connection.ends) {
        if (end.server !== server || end.number === GONE) continue;
        leave(end);
        connection.broken = true;
      }
    }
    dials.forEach((dial, at) => {
      if (dial.from === server) dials[at] = { ...dial, number: GONE };
    });
    config.operators.forEach(({ at }, operator) => {
      const bit = 1 << operator;
      if (at === addresses[server] && (this.#situation.said & bit) !== 0) {
        this.#situation.answered |= bit; // nobody is there to be answered
      }
    });
    this.#situation.locals[server] = locals.begin(disk);
  }

  /** One merge joins two fusions as they are, or changes nothing. */
  #checkCalm(server: number, treeBefore: readonly string[]): void {
    const { locals, calm, sides } = this.#situation;
    const { tree } = this.#world.locals.facts(locals[server]!);
    if (treeBefore.some((edge) => !tree.includes(edge))) {
      this.fault ??= "a new link took an older one out of the tree";
    }
    const side = [sides & 15, sides >> 4].find((one) => (one & (1 << server)) !== 0);
    const seen = fusionOf(this.#world, this.#situation, server);
    if (side === undefined || seen === side) return;
    if (calm === 2 || seen !== ((sides & 15) | (sides >> 4))) {
      this.fault ??= "a view holds a part of another fusion";
    }
  }

  /** A full link that is ended for a name is undone. */
  #checkEnd(server: number, link: FullLink | undefined, message: number): void {
    const { end } = this.#world.locals.messages.of(message);
    if (link === undefined || end?.code !== "NAME_TAKEN") return;
    const { locals, calm } = this.#situation;
    if (calm > 0) this.fault ??= "a merge that should have been refused was undone";
    this.fault ??= wrongToUndo(this.#world, { local: locals[server]!, server, birth: link.birth });
  }

  #follow(server: number, said: Said): void {
    const { connections, dials } = this.#situation;
    const { config, locals } = this.#world;
    if (said.is === "dial") {
      const to = serverAt(this.#world, said.address);
      dials.push({ from: server, to, number: said.dial, hello: said.hello });
    } else if (said.is === "answer") {
      const bit = 1 << said.operator;
      if ((this.#situation.answered & bit) !== 0) this.fault ??= "an operator was answered twice";
      this.#situation.answered |= bit;
      if (this.#situation.calm === 2 && ["merged", "standby"].includes(said.code)) {
        this.fault ??= "servers have merged that a name keeps apart";
      }
      if (said.code === "unmerged") this.#situation.parted |= bit;
      if (["merged", "standby", "unmerged", ...(config.answers ?? [])].includes(said.code)) return;
      this.fault ??= `an operator's merge was answered ${said.code}`;
    } else {
      for (const { ends, broken } of connections) {
        ends.forEach((end, side) => {
          if (end.server !== server || end.number !== said.end) return;
          const other = ends[1 - side]!;
          if (other.number !== GONE && !broken) other.coming.push(said.message);
          if (locals.messages.of(said.message).end !== undefined) leave(end);
        });
      }
    }
  }
}

/** Those whom a server sees, as bits. */
function fusionOf({ locals }: World, situation: Situation, server: number): number {
  const { members } = locals.facts(situation.locals[server]!);
  return members.reduce((bits, one) => bits | (1 << one), 0);
}

function mayBreak(
  { config, locals }: World,
  situation: Situation,
  ends: Connection["ends"],
): boolean {
  if (config.halfOpen !== true) return true;
  return ends.every(
    ({ server, number }) => locals.facts(situation.locals[server]!).full[number] !== undefined,
  );
}

function leave(end: End): void {
  end.number = GONE;
  end.coming = [];
}
