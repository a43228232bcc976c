// What must hold of the state of rooms in a simulated fusion. People with accounts found a room,
// give roles, ban, mute and kick each other and set modes while everything else goes wrong:
//
// Always: nobody whom a client knows to be banned, muted or without a voice is heard by it, but in
//   what is read from the history of before.
// At rest: all servers of a fusion hold the same entries on their disks; and clients of one server
//   in the room know the same state of it.
// But for what a client knows of an account whose server had no name when it was told: another one
//   had its name then.

import { allow, definePlugin, type Plugin } from "../../src/plugin.ts";
import { PatternMap } from "../../src/core/pattern.ts";
import type { ClientEvent, RoomSetting } from "../../src/client.ts";
import type { ServerName } from "../../src/names.ts";
import type { Listener } from "./crowd.ts";
import type { History } from "./history.ts";
import { componentsOf } from "./invariants.ts";

export const RULED = "#ruled";
const PASSWORD = "open sesame";
const WITH_ACCOUNT = 0.7;

/** Who logs in with a password has the account of the nick. */
export const authAnybody = definePlugin({
  name: "auth-anybody",
  provides: ["auth"],
  setup: () => ({
    onAuth: ({ nick, credential }) =>
      credential.kind === "password" ? allow(nick.toLowerCase()) : undefined,
  }),
}) as () => Plugin;

/** What a client knows of the room. */
interface View {
  founder: string | undefined;
  readonly settings: Map<string, RoomSetting["value"]>;
}

interface Member {
  readonly listener: Listener;
  /** Undefined while it is not known: it is asked for. */
  view: View | undefined;
  /** What came since it was asked for. */
  since: RoomSetting[];
  asked: number;
}

export class Rules {
  readonly violations: string[] = [];
  readonly #history: History;
  readonly #members: Member[] = [];
  #lines = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** With which password somebody comes in, if with any. */
  password(): { readonly password?: string } {
    return this.#history.random.chance(WITH_ACCOUNT) ? { password: PASSWORD } : {};
  }

  /** Somebody has come in, and is watched. */
  entered(listener: Listener): void {
    const member: Member = { listener, view: undefined, since: [], asked: 0 };
    this.#members.push(member);
    listener.person.client.on((event) => this.#hears(member, event));
  }

  /** Some join the room; the others may do so later. */
  begin(): void {
    for (const member of this.#members) {
      if (this.#history.random.chance(0.8)) this.#join(member);
      this.#history.world.run(200);
    }
  }

  /** One of them says something there, or changes something, or comes back. */
  act(): void {
    const { random } = this.#history;
    const any = this.#history.oneOf(this.#members);
    if (any === undefined) return;
    if (!any.listener.person.client.rooms.has(RULED)) return this.#join(any);
    const isWord = random.chance(0.4);
    // Words of anybody; most changes by those who may make them.
    const ruling = this.#members.filter(isRuling);
    const one = isWord || random.chance(0.2) ? any : this.#history.oneOf(ruling);
    const { client } = (one ?? any).listener.person;
    if (isWord) {
      this.#ask("say", client.say(RULED, `ruled ${++this.#lines}`));
      return;
    }
    const [key, value] = this.#change();
    const address = this.#somebody();
    if (random.chance(0.15)) this.#ask("kick", client.request("kick", { room: RULED, address }));
    else this.#ask("set", client.request("set", { room: RULED, key, value }));
  }

  /** Says what is not yet as it should be when nothing is disturbed any more. */
  checkAtRest(): string | undefined {
    for (const component of componentsOf(this.#history)) {
      const hosts = component.map(({ host }) => host);
      const held = hosts.map((host) => this.#heldBy(host));
      const [first = ""] = held;
      const other = held.findIndex((one) => one !== first);
      if (other >= 0) return `${hosts[0]} and ${hosts[other]} hold other entries of rooms`;
    }
    for (const host of this.#history.servers.keys()) {
      const views = this.#members.flatMap(({ listener, view }) => {
        const isThere = listener.host === host && listener.person.client.rooms.has(RULED);
        return isThere && !knowsNameless(view) ? [textOf(view)] : [];
      });
      if (new Set(views).size > 1) return `clients of ${host} know other states: ${views.join()}`;
    }
    return undefined;
  }

  // --- internal ---

  #somebody(): string {
    return this.#history.random.pick(this.#members).listener.address;
  }

  #change(): readonly [string, string | number | true | object | null] {
    const { random } = this.#history;
    const who = this.#somebody();
    const isOff = random.chance(0.4);
    const roles = ["owner", "moderator", "voice"] as const;
    const kinds: readonly (readonly [string, string | number | true | object])[] = [
      ["topic", `topic ${this.#lines}`],
      [`ban/${who}`, {}],
      [`mute/${who}`, { reason: "noise" }],
      [`role/${who}`, random.pick(roles)],
      [`role/${who}`, random.pick(roles)],
      ["mode/moderated", true],
      ["mode/read-only", true],
      ["mode/open-topic", true],
      ["mode/invite-only", true],
      [`invite/${who}`, true],
    ];
    const [key, value] = random.pick(kinds);
    return [key, isOff ? null : value];
  }

  #join(member: Member): void {
    this.#ask("join", member.listener.person.client.join(RULED));
    this.#learn(member);
  }

  #ask(what: string, asked: Promise<unknown>): void {
    const { marks } = this.#history;
    asked.then(
      () => marks.hit(`ruled: ${what}`),
      (thrown: unknown) => {
        const code = (thrown as { readonly code?: string }).code ?? String(thrown);
        marks.hit(`ruled: ${what} ${code}`);
      },
    );
  }

  /** Asks for the whole state; what comes meanwhile counts beside it. */
  #learn(member: Member): void {
    member.view = undefined;
    member.since = [];
    const asked = ++member.asked;
    member.listener.person.client.request("room", { room: RULED }).then(
      ({ founder, settings }) => {
        if (asked !== member.asked) return;
        member.view = { founder, settings: new Map() };
        for (const one of [...settings, ...member.since]) applyTo(member.view, one);
      },
      () => undefined, // it is asked again when it is back
    );
  }

  #hears(member: Member, event: ClientEvent): void {
    if (event.type === "connection") {
      if (event.state === "lost") member.view = undefined;
      if (event.state === "back" || event.state === "resumed") this.#learn(member);
    } else if (event.type === "state" && event.room === RULED) {
      member.since.push(event);
      if (member.view !== undefined) applyTo(member.view, event);
    } else if (event.type === "removed") {
      member.view = undefined;
      this.#history.marks.hit(`ruled: removed ${event.code}`);
    } else if (event.type === "message" && event.message.room === RULED) {
      const { from, account, text, late } = event.message;
      if (member.view === undefined || knowsNameless(member.view) || late === true) return;
      const why = silenceOf(member.view, from, account);
      if (why === undefined) return;
      this.violations.push(`${member.listener.address} hears ${text} of ${from}, who is ${why}`);
    }
  }

  /** The entries that stand on a server's disk, but for those of its own rooms. */
  #heldBy(host: string): string {
    const rows: string[] = [];
    for (const [key, bytes] of this.#history.world.disk(host).backup()) {
      if (!key.startsWith("rooms-")) continue;
      for (const line of new TextDecoder().decode(bytes).split("\n"))
        if (line.startsWith("[") && !line.includes(OWN)) rows.push(line);
    }
    return rows.toSorted().join("\n");
  }
}

// --- internal ---

/** In the line of an entry of a local room: its body is a text in it. */
const OWN = String.raw`\"room\":\"&`;

function applyTo(view: View, { key, value, by }: RoomSetting): void {
  if (key === "founded") view.founder = by;
  else view.settings.set(key, value);
}

/** Whether somebody has a part who was shown by the first digits of his server's sid. */
function knowsNameless(view: View | undefined): boolean {
  const { founder = "", settings = new Map<string, unknown>() } = view ?? {};
  return [founder, ...settings.keys()].some((one) => /@[0-9a-f]{8}$/.test(one));
}

/** Whether somebody knows of himself that he is an owner or a moderator. */
function isRuling({ view, listener: { person } }: Member): boolean {
  const { account, server } = person.client.welcome ?? {};
  if (view === undefined || account === undefined) return false;
  const role = view.settings.get(`role/${account}@${server}`);
  return view.founder === `${account}@${server}` || role === "owner" || role === "moderator";
}

const textOf = (view: View | undefined): string =>
  view === undefined
    ? "unknown"
    : JSON.stringify([
        view.founder,
        [...view.settings]
          .filter(([, value]) => value !== null)
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ]);

/** Why one may say nothing, as a client knows it. */
function silenceOf(
  { founder, settings }: View,
  from: string,
  account: string | undefined,
): string | undefined {
  const at = from.lastIndexOf("@");
  const [nick, server] = [from.slice(0, at), from.slice(at + 1) as ServerName];
  const id = `${account ?? ""}@${server}`;
  const role = id === founder ? "owner" : account === undefined ? null : settings.get(`role/${id}`);
  if (role === "owner" || role === "moderator") return undefined;
  const is = (kind: "ban" | "mute") => {
    const patterns = new PatternMap<true>();
    for (const [key, value] of settings)
      if (key.startsWith(`${kind}/`) && value !== null)
        patterns.add(key.slice(kind.length + 1), true);
    return patterns.find({ nick, account, server }, () => true) === true;
  };
  const isSet = (mode: string) => (settings.get(`mode/${mode}`) ?? null) !== null;
  if (is("ban")) return "banned";
  if (is("mute")) return "muted";
  if (isSet("read-only")) return "no moderator";
  return isSet("moderated") && role !== "voice" ? "without a voice" : undefined;
}
