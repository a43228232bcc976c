// The operator's commands about people and rooms: bans that hold on this server alone, which
// founding of a room it follows, and the log of what operators did. Also for sessions with the role
// "operator". See docs/rooms.md.

import * as v from "valibot";
import type { Clock } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import { LOBBY, nameKey, visible } from "../names.ts";
import type { Command, CommandResult } from "../plugin/context.ts";
import type { Caller } from "../plugin/hooks.ts";
import { command } from "../plugin.ts";
import { readSanction } from "../protocol/sanction.ts";
import { accountIn } from "../protocol/state.ts";
import type { Audit } from "./audit.ts";
import type { Governance } from "./governance.ts";
import type { Signed } from "./room-state.ts";
import { givenRoles } from "./room-state.ts";
import { roomOf } from "./rooms.ts";
import type { Rooms } from "./rooms.ts";
import { sanctionText } from "./sanction-text.ts";
import type { ServerBans } from "./server-bans.ts";
import type { Sessions } from "./sessions.ts";
import { isTold } from "./state-store.ts";
import { OPERATOR } from "./states.ts";

export interface RoomCommandsOptions {
  readonly clock: Clock;
  readonly governance: Governance;
  readonly bans: ServerBans;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
}

/** Who gave a command, as the audit log names him. */
export const callerName = ({ by, account }: Caller): string =>
  account ?? (by === "console" ? by : "an operator");

/** The commands of bans, of rooms and of the audit log. */
export function roomCommands(options: RoomCommandsOptions): Record<string, Command> {
  const { bans, audit } = options;
  return {
    ban: command({
      about: "keep somebody, a range of addresses or a whole server out",
      usage: "WHO|ADDRESS [TIME] [REASON]",
      role: OPERATOR,
      args: v.pipe(Words, v.minLength(1, "expected whom to ban")),
      run: ([who = "", ...rest], caller) => ban(options, who, rest.join(" "), caller),
    }),
    unban: command({
      about: "let those in again",
      usage: "WHO",
      role: OPERATOR,
      args: v.strictTuple([v.string()], "expected what `bans` shows"),
      run: async ([who], caller) => {
        const of = bans.formOf(who);
        const lifted = isFailure(of) ? of : await bans.remove(of);
        if (isFailure(lifted)) return lifted;
        if (lifted === undefined)
          return failure("NO_SUCH_NICK", `${visible(who)}: nobody is banned by this; see bans`);
        audit.note({ by: callerName(caller), did: "unban", to: lifted.of });
        return { text: `${lifted.of} is banned no more`, data: lifted };
      },
    }),
    bans: command({
      about: "whom this server keeps out",
      role: OPERATOR,
      args: v.strictTuple([], "expected nothing after it"),
      run: () => {
        const all = bans.all();
        const lines = all.map(
          (one) => `${one.of}${visible(sanctionText(one))} (${visible(one.by)})`,
        );
        return { text: lines.join("\n") || "nobody is banned", data: { bans: all } };
      },
    }),
    room: command({
      about: "what is set in a room; whose founding this server follows",
      usage: "[follow] ROOM [SERVER]",
      role: OPERATOR,
      args: v.union(
        [v.strictTuple([v.literal("follow"), v.string(), v.string()]), v.strictTuple([v.string()])],
        "expected a room, or follow, a room and a server",
      ),
      run: (words, caller) =>
        words.length === 1
          ? showRoom(options, words[0])
          : followRoom(options, words[1], words[2], caller),
    }),
    audit: command({
      about: "what operators did to people and rooms",
      usage: "[COUNT]",
      role: OPERATOR,
      args: v.union([v.strictTuple([]), v.strictTuple([Count])], `expected up to ${MOST} lines`),
      run: ([count = "20"]) => {
        const lines = audit.tail(Number(count));
        const text = lines.map(({ at, by, did, reason, until, ...rest }) => {
          const what = [did, ...Object.values(rest).map((one) => visible(textOf(one)))].join(" ");
          const why = visible(sanctionText({ reason, until }));
          return `${new Date(at).toISOString()} ${visible(by)}: ${what}${why}`;
        });
        return { text: text.join("\n") || "nothing was done yet", data: { lines } };
      },
    }),
  };
}

// --- internal -----------------------------------------------------------------------------------

const Words = v.pipe(v.array(v.string()), v.maxLength(LIMITS.commandWordsMax));
const MOST = String(LIMITS.auditShownMax);
const Count = v.pipe(
  v.string(),
  v.regex(/^\d{1,4}$/),
  v.check((text) => Number(text) > 0 && Number(text) <= LIMITS.auditShownMax),
);

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");

async function ban(
  { bans, audit, clock, sessions, governance }: RoomCommandsOptions,
  who: string,
  rest: string,
  caller: Caller,
): Promise<CommandResult | Failure> {
  const of = bans.formOf(who);
  if (isFailure(of)) return of;
  const sanction = readSanction(rest, clock.now());
  const { reason, until } = sanction;
  if (reason !== undefined && Buffer.byteLength(reason) > LIMITS.reasonBytesMax)
    return failure("USAGE", `expected a reason of up to ${LIMITS.reasonBytesMax} bytes`);
  const made = await bans.add({ of, reason, until, by: callerName(caller) });
  if (isFailure(made)) return made;
  audit.note({ by: made.by, did: "ban", to: of, ...sanction });
  let ended = 0;
  for (const session of Array.from(sessions.all())) {
    const person = governance.states.personOf(session, LOBBY);
    const refused = bans.refusal(person, session.remote);
    if (refused === undefined) continue;
    session.expel("BANNED", refused.text, `banned by the operator${sanctionText(made)}`);
    ended++;
  }
  const sessionsText = ended === 1 ? "1 session" : `${ended} sessions`;
  const how = visible(sanctionText(made));
  const text = `${of} is banned on this server${how}; ${sessionsText} ended`;
  return { text, data: { ...made, ended } };
}

/** All foundings of a room that this server knows, and the one that it follows. */
function foundingsOf({ governance }: RoomCommandsOptions, room: RoomName) {
  const { store, states } = governance;
  const { founder } = states.authority(room);
  return store
    .entries(room)
    .filter(({ entry }) => entry.key === "founded" && entry.value === true)
    .map((one: Signed) => {
      const { by, at } = states.shown(one);
      const isFollowed = founder !== undefined && accountIn(founder)?.sid === one.sid;
      const shown = isFollowed ? states.founderShown(room, founder) : by;
      return { by: shown, at, sid: one.sid, followed: isFollowed };
    });
}

function showRoom(options: RoomCommandsOptions, text: string): CommandResult | Failure {
  const room = roomOf(text);
  if (typeof room !== "string") return room;
  const { states } = options.governance;
  const state = states.of(room);
  const settings = [...state.registers.values(), ...givenRoles(state)].map(states.shown);
  const foundings = foundingsOf(options, room);
  const lines = [
    ...foundings.map(({ by, at, followed }) => {
      const what = `founded by ${visible(by)}, ${new Date(at).toISOString()}`;
      return followed ? `${what}: this server goes by it` : what;
    }),
    ...settings.map(({ key, value, by }) => `${visible(key)}: ${visible(textOf(value))} (${by})`),
  ];
  const nothing = `${room}: nobody has founded it, and nothing is set`;
  return { text: lines.join("\n") || nothing, data: { room, foundings, settings } };
}

function followRoom(
  options: RoomCommandsOptions,
  text: string,
  server: string,
  caller: Caller,
): CommandResult | Failure {
  const room = roomOf(text);
  if (typeof room !== "string") return room;
  if (!isTold(room)) return failure("USAGE", `${room}: it is this server's own`);
  const foundings = foundingsOf(options, room);
  const wanted = nameKey(server as ServerName); // only compared
  const nameOf = (by: string) => by.slice(by.lastIndexOf("@") + 1) as ServerName;
  const found = foundings.find(({ by }) => nameKey(nameOf(by)) === wanted);
  if (found === undefined) {
    const known = foundings.map(({ by }) => visible(by)).join(", ") || "none";
    const what = `nobody of ${visible(server)} has founded it, as far as is known here`;
    return failure("NO_SUCH_SERVER", `${room}: ${what}; foundings: ${known}`);
  }
  const before = foundings.find(({ followed }) => followed);
  options.governance.states.follow(room, found.sid);
  const by = callerName(caller);
  options.audit.note({ by, did: "follow", room, to: found.by });
  const said = `this server goes by the founding of ${visible(found.by)} in ${room} now`;
  for (const session of options.rooms.find(room)?.members() ?? [])
    session.doorway.personal({ type: "notice", text: said, room });
  const was = before?.by.slice(before.by.lastIndexOf("@") + 1);
  const back = was === undefined ? "" : `; room follow ${room} ${was} takes it back`;
  return { text: `${said}${back}`, data: { room, follows: found.by, before: before?.by } };
}
