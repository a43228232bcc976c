// A server: all parts of the core, put together, and its life: set up → started → open → stopped.
// State changes only in core/, only synchronously; sockets, time and chance come from the
// Environment. Read next: session.ts, requests.ts (what people do), fusion.ts (what servers do).

import { assert } from "../assert.ts";
import type { Environment, TlsIdentity } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { ChatFusionError } from "../errors.ts";
import type { ServerName, Sid } from "../names.ts";
import type { CommandResult, Plugin } from "../plugin/context.ts";
import type { Fabric } from "../plugin/fabric.ts";
import type { Caller } from "../plugin/hooks.ts";
import type { History } from "../plugin/history.ts";
import { createAmendments } from "./amendments.ts";
import { createAuthHost } from "./auth-host.ts";
import { type AccountOf, createAccountOf, createHashingPool } from "./auth.ts";
import type { Commands } from "./commands.ts";
import { createEntrance, type Entrance } from "./entrance.ts";
import type { ServerEvent } from "./events.ts";
import type { FusionPart, Locate } from "./fusion.ts";
import { createFusion } from "./fusion.ts";
import { createGatewayHost } from "./gateways.ts";
import type { Governed } from "./governance.ts";
import { createGovernance, loadGoverned } from "./governance.ts";
import { historyOf } from "./history-guard.ts";
import type { CompiledHooks } from "./hooks.ts";
import { compileHooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import { loadIdentity } from "./identity.ts";
import { Marks } from "./marks.ts";
import { createIds } from "./ids.ts";
import { createLifecycle } from "./lifecycle.ts";
import { createMessageLog } from "./log.ts";
import { createMail } from "./mail.ts";
import { createOffers } from "./offers.ts";
import { createPeople, entryOf } from "./people.ts";
import { createPersonal } from "./personal.ts";
import { checkPlugins, describeFaults, setUpPlugins } from "./plugins.ts";
import { createPort } from "./port.ts";
import { createPresence } from "./presence.ts";
import { recall, recallKept } from "./recall.ts";
import { createRecent } from "./recent.ts";
import { createHistoryHost } from "./redaction.ts";
import { createRefusals } from "./refusals.ts";
import { createRequests } from "./requests.ts";
import { createRooms } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { SessionHost } from "./session-host.ts";
import { createSettling } from "./settling.ts";
import { createSessions } from "./sessions.ts";
import { Spoken } from "./spoken.ts";
import { createOwnCommands } from "./own-commands.ts";
import { createTells } from "./tells.ts";
import { Tick } from "./tick.ts";
import { createTransfers } from "./transfers.ts";

export interface ServerOptions {
  readonly name: ServerName;
  readonly listen: { readonly host: string; readonly port: number };
  /** Messages of a stream from before it was first heard; default 0. */
  readonly onMerge?: number;
  /** Guests may run rooms that nobody has founded; default false. */
  readonly guestRooms?: boolean;
  readonly plugins: readonly Plugin[];
  readonly environment: Environment;
  /** Where a server of this machine can be reached, by its name. */
  readonly locate?: Locate;
  /** Makes and names a plugin's own folder; undefined where there is no disk. */
  readonly pluginFolder?: (plugin: string) => string | undefined;
  readonly tls?: TlsIdentity;
  readonly report: (event: ServerEvent) => void;
}

export interface Server {
  readonly name: ServerName;
  readonly sid: Sid;
  /** Starts the plugins, opens nothing: for commands without a running server. */
  startPlugins(): Promise<void>;
  /** Starts the plugins, opens the gateways, then the one port. Rejects with ChatFusionErrors. */
  start(): Promise<{ readonly host: string; readonly port: number }>;
  /** Tells everybody, drains by a deadline, stops the plugins in reverse. Idempotent. */
  stop(reason: string): Promise<void>;
  /** Runs a command of the core or of a plugin. Never rejects. */
  run(words: readonly string[], caller: Caller): Promise<CommandResult | Failure>;
  readonly commands: Commands["rows"];
  /** What its plugins cannot mean so, a line each. */
  readonly warnings: readonly string[];
  readonly hookOrder: readonly { readonly hook: string; readonly plugins: readonly string[] }[];
  status(): Readonly<Record<string, unknown>>;
}

/**
 * Checks the plugins, loads the identity (a new epoch begins), and sets the plugins up; starts and
 * opens nothing. Rejects with `CONFIG_INVALID` and all that is wrong.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const faults = checkPlugins(options.plugins);
  if (faults.length > 0) throw new ChatFusionError("CONFIG_INVALID", describeFaults(faults));
  const { environment } = options;
  const identity = await loadIdentity(environment);
  const core = createCore(options, identity, await loadGoverned(environment));
  const { lifecycle, commands, hooks, status } = core;
  return {
    name: options.name,
    sid: core.sid,
    startPlugins: () => lifecycle.startPlugins(),
    start: () => lifecycle.start(),
    stop: (reason) => lifecycle.stop(reason),
    run: (words, caller) => commands.run(words, caller),
    commands: commands.rows,
    warnings: commands.warnings,
    hookOrder: hooks.order,
    status,
  };
}

// --- internal -----------------------------------------------------------------------------------

/** What is known only later in the making of a server; read when it runs. */
interface Later {
  hooks?: CompiledHooks;
  entrance?: Entrance;
  /** Undefined where no plugin tells accounts. */
  accountOf?: AccountOf | undefined;
  commands?: Commands;
  fusion?: FusionPart;
  roles?: { readonly fabric: Fabric; readonly history: History | undefined };
  address?: { readonly host: string; readonly port: number };
}

/** What all parts of a server share. */
function createShared(options: ServerOptions, identity: Identity, governed: Governed) {
  const { environment } = options;
  const { clock, random } = environment;
  const later: Later = {};
  const need = <K extends keyof Later>(key: K): NonNullable<Later[K]> => {
    const value = later[key];
    assert(value !== undefined, `${key} is there once the server is set up`);
    return value;
  };
  const tick = new Tick<LiveSession>(clock);
  const hooks = () => need("hooks");
  const history = () => need("roles").history;
  return {
    options,
    later,
    need,
    hooks,
    history,
    fabric: () => need("roles").fabric,
    accountOf: ((nick) => later.accountOf?.(nick)) satisfies AccountOf,
    tellsAccounts: () => later.accountOf !== undefined,
    identity: () => identity,
    tick,
    ...createRefusals(environment.log),
    pool: createHashingPool(environment.tasks, random),
    recent: createRecent(),
    ...governed,
    sessions: createSessions(clock, random),
    ids: createIds(clock, () => identity.life),
    log: createMessageLog({
      history,
      log: environment.log,
      logged: (messages) => hooks().logged(messages),
      changed: () => tick.scheduleRested(),
    }),
    marks: new Marks(),
    spoken: new Spoken(),
    listeners: [] as { close(): void }[],
  };
}
export type Shared = ReturnType<typeof createShared>;

/** Rooms, people, messages and files, here and in the fusion. */
function createSociety(shared: Shared) {
  const { need, tick, sessions, hooks, fabric, options } = shared;
  const { clock, random } = options.environment;
  const fusion = () => need("fusion");
  const rooms = createRooms(tick, {
    opened: (room) => fusion().roomOpened(room),
    closed: (room) => fusion().roomClosed(room),
  });
  const governance = createGovernance({
    ...shared,
    environment: options.environment,
    self: options.name,
    guests: options.guestRooms ?? false,
    rooms: () => rooms,
    people: () => people,
    presence: () => presence,
    peers: () => fusion().peers,
    directory: () => fusion().directory,
  });
  const peers = () => fusion().peers;
  const here = { ...governance, clock, rooms };
  const people = createPeople({ ...here, self: options.name, sessions, peers });
  const presence = createPresence({ ...here, people });
  const mail = createMail({ ...shared, environment: options.environment });
  const personal = createPersonal({ ...shared, ...options, people, peers, rooms });
  const tells = createTells({ ...shared, ...personal, clock, mail, people });
  const transfers = createTransfers({
    clock,
    toPeer: (sid, event) => fusion().toPeer(sid, event),
    publishChunk: (target, payload) => fabric().publish(target, "bulk", payload),
  });
  const offers = createOffers({ clock, random, hooks, people, sessions, transfers });
  const amendments = createAmendments({
    ...shared,
    ...governance,
    clock,
    report: options.environment.log,
    streams: () => fusion().streams,
  });
  shared.later.fusion = createFusion({
    ...shared,
    amendments: () => amendments,
    environment: options.environment,
    self: options.name,
    locate: options.locate,
    governance: () => governance,
    onMerge: options.onMerge ?? 0,
    report: options.report,
    wantsLog: () => shared.history() !== undefined || hooks().hearsLogged,
    rooms: () => rooms,
    people: () => people,
    presence: () => presence,
    tells: () => tells,
    typing: () => personal.typing,
    offers: () => offers,
    transfers: () => transfers,
  });
  governance.opened(rooms.lobby.name);
  const talk = { fusion: fusion(), tells, mail, offers, transfers };
  return { ...talk, presence, amendments, personal, governance, rooms, people };
}
export type Society = ReturnType<typeof createSociety>;

/** Sets the plugins up, each with the core's side of its roles. */
function createPlugins(shared: Shared, society: Society) {
  const { rooms, fusion, people } = society;
  const { options, need, tick, gate, sessions, listeners } = shared;
  const { environment, tls } = options;
  const aborter = new AbortController();
  const auth = createAuthHost(shared, society, () => live);
  const gateways = {
    environment,
    tick,
    gate,
    tls,
    host: options.listen.host,
    entrance: () => need("entrance"),
    opened: (listener: { close(): void }) => void listeners.push(listener),
  };
  const { live, sources } = setUpPlugins(options.plugins, {
    environment,
    self: options.name,
    metrics: shared.metrics,
    signal: aborter.signal,
    folder: (plugin) => options.pluginFolder?.(plugin),
    notice(to, text) {
      const room = typeof to === "string" ? rooms.find(to) : undefined;
      const where = room === undefined ? {} : { room: room.name };
      const told = typeof to === "string" ? room?.members() : [sessions.find(to.nick)];
      for (const session of told ?? [])
        session?.doorway.personal({ type: "notice", text, ...where });
    },
    hosts: ({ name, provides }) => ({
      ...(provides.includes("fabric") ? fusion.host : {}),
      ...(provides.includes("history") ? createHistoryHost(environment.crypto) : {}),
      ...(provides.includes("gateway") ? createGatewayHost({ ...gateways, people }, name) : {}),
      ...(provides.includes("auth") ? auth : {}),
    }),
  });
  const parts = live.map((one) => one.parts);
  const fabric = parts.find((one) => one.fabric !== undefined)?.fabric;
  assert(fabric !== undefined, "checkPlugins saw to exactly one fabric");
  const history = historyOf(live, environment);
  shared.later.roles = { fabric, history };
  shared.later.accountOf = createAccountOf(live, environment.log);
  shared.later.hooks = compileHooks(sources, environment.clock, environment.log);
  return { live, abort: () => aborter.abort() };
}

/** What sessions ask of the server around them. */
function createSessionHost(shared: Shared, society: Society): SessionHost {
  const { tick, log, sessions, hooks, need, options } = shared;
  const { rooms, transfers, presence, fusion } = society;
  const settling = createSettling(tick);
  tick.before(() => fusion.flush());
  tick.answers(() => fusion.peers.flush());
  return {
    tick,
    now: () => options.environment.clock.now(),
    dispatch: createRequests({
      ...shared,
      ...society,
      ...society.personal,
      self: options.name,
      clock: options.environment.clock,
      commands: () => need("commands"),
      directory: fusion.directory,
      entrance: () => need("entrance"),
      streams: fusion.streams,
    }),
    chunk(session, payload, frame) {
      const refused = transfers.chunk(session, payload, frame);
      if (refused !== undefined) session.doorway.refuse(refused);
    },
    get loggedTick() {
      return log.settled;
    },
    logFailed: (commit) => log.failed(commit),
    gatewayFailed({ doorName }, where, thrown) {
      const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      options.environment.log.error("gateway failed", { plugin: doorName, where, error });
    },
    get wholeTick() {
      return tick.wholes;
    },
    waiting: settling.waiting,
    placed: settling.placed,
    ended(session, reason) {
      session.phase = "ended";
      settling.ended(session);
      const entry = entryOf(session);
      const was = [...session.memberships.keys()];
      const shown = was.filter((room) => !society.governance.hides(room, entry));
      for (const room of was) rooms.leave(session, room);
      sessions.remove(session);
      transfers.gone(session, `${session.address} is gone`);
      presence.watches.ended(session);
      presence.ended(entry, shown, reason);
      fusion.directory.went(session, reason);
      hooks().presence({ person: session.person, now: "offline" });
    },
  };
}

function createCore(options: ServerOptions, identity: Identity, governed: Governed) {
  const shared = createShared(options, identity, governed);
  const society = createSociety(shared);
  const { live, abort } = createPlugins(shared, society);
  const host = createSessionHost(shared, society);
  const { environment, name: self, report } = options;
  const entrance = createEntrance({
    ...shared,
    ...society,
    ...environment,
    self,
    host,
    directory: society.fusion.directory,
    plugins: live,
  });
  shared.later.entrance = shared.watched(entrance);
  const { status, commands } = createOwnCommands(shared, society, live);
  shared.later.commands = commands;
  const openPort = createPort({
    ...shared,
    ...society,
    environment,
    self,
    at: options.listen,
    tls: options.tls,
    sid: () => identity.sid,
    entrance: () => shared.need("entrance"),
  });
  const lifecycle = createLifecycle({
    ...shared,
    environment,
    kept: [society.mail, society.personal, society.governance.store, shared.marks],
    live,
    leave: () => society.fusion.directory.leave(),
    close() {
      for (const part of Object.values(society)) if ("close" in part) part.close();
      shared.marks.close();
    },
    recall: (history) => [
      shared.marks.load(history, environment),
      society.amendments.recall(),
      recall(history, { ...shared, store: environment.store }),
    ],
    readPersonal: () => society.personal.load(),
    async readMail() {
      if (shared.later.accountOf === undefined) return;
      await society.mail.load();
      await society.personal.conversations.load();
      recallKept(society.mail.all(), self, shared.recent);
    },
    async listen() {
      const listener = await openPort();
      shared.listeners.push(listener);
      return (shared.later.address = { host: options.listen.host, port: listener.port });
    },
    abort,
    report,
    self,
  });
  return { lifecycle, commands, status, hooks: shared.hooks(), sid: identity.sid };
}
