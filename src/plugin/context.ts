// What a plugin is given, and what it gives back. State lives in the closure of `setup`.

import type * as v from "valibot";
import type { Bytes, Clock, Log, MaybePromise, Random, Store } from "../environment.ts";
import type { Failure } from "../errors.ts";
import type { Nick, RoomName, ServerName } from "../names.ts";
import type { Fabric, FabricHost } from "./fabric.ts";
import type { AuthHost, Gateway, GatewayHost } from "./gateway.ts";
import type { History, HistoryHost } from "./history.ts";
import type { Allow, Caller, Deny, Hooks, Person } from "./hooks.ts";

/** What a plugin can provide. A declared role is checked before any plugin code has run. */
export type Role = "auth" | "fabric" | "history" | "gateway";
/** Services that others may name in `requires`. */
export interface Services {
  readonly fabric: Fabric;
  readonly history: History;
}
export type ServiceName = keyof Services;

interface RoleHosts {
  readonly auth: AuthHost;
  readonly fabric: FabricHost;
  readonly gateway: GatewayHost;
  readonly history: HistoryHost;
}
/** The core's side of the roles that a plugin declares; nobody else is given it. */
export type HostOf<P extends readonly Role[]> = UnionToIntersection<RoleHosts[P[number]]>;
type UnionToIntersection<U> = (U extends unknown ? (one: U) => void : never) extends (
  all: infer I,
) => void
  ? I
  : never;

export interface CommandResult {
  readonly text: string;
  readonly data?: unknown;
}

/**
 * Who may run a command from a session. Without either, the console alone may, which may run all.
 */
export type Openness =
  | { readonly role?: undefined; readonly open?: undefined }
  /** Those whose account has this role. */
  | { readonly role: string; readonly open?: undefined }
  /** All who have an account; or guests as well. */
  | { readonly role?: undefined; readonly open: "accounts" | "everybody" };

/** A command for the console, and for sessions where it is open to them. Made by `command`. */
export type Command = Openness & {
  readonly about: string;
  readonly usage: string;
  /** What is typed behind it may be a secret: `onCommand` is not told. */
  readonly secret: boolean;
  run(words: readonly string[], caller: Caller): MaybePromise<CommandResult | Failure>;
};

export interface Metrics {
  /** Makes a counter, in setup; the returned function adds 1, or n. */
  counter(name: string, help: string): (n?: number) => void;
  /** Makes a gauge, in setup, which is read when somebody asks. */
  gauge(name: string, help: string, read: () => number): void;
}

/** The store of one plugin: its keys are its own. */
export type PluginStore = Store;

export type Context<Options, P extends readonly Role[], R extends readonly ServiceName[]> = {
  readonly self: ServerName;
  readonly options: Options;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: PluginStore;
  /** A folder of the plugin's own, made when it is asked for; undefined in a simulated world. */
  readonly folder: () => string | undefined;
  readonly metrics: Metrics;
  /** Aborted when the server stops, before `stop` is called. */
  readonly signal: AbortSignal;
  /** Tells a person or a room something, as the server. */
  notice(to: Person | RoomName, text: string): void;
  readonly host: HostOf<P>;
} & { readonly [K in R[number]]: Services[K] };

/** What `setup` returns: hooks, the parts of its roles, commands, and its start and stop. */
export type Parts = Partial<Hooks> & {
  readonly fabric?: Fabric;
  readonly history?: History;
  readonly gateway?: Gateway;
  /**
   * Roles of accounts that the plugin looks for in its hooks. Those of its commands need not stand
   * here. An account is given no role that nobody names.
   */
  readonly roles?: readonly string[];
  /**
   * Of a plugin that provides auth: the account that this nick is, in its own writing, as `allow`
   * names it; undefined for a nick that only looks like one, and for nobody's. No I/O that waits:
   * synchronous, and asked at any time between `start` and `stop`.
   */
  accountOf?(nick: Nick): string | undefined;
  /**
   * Of a plugin that provides auth: makes an account of a nick, for somebody who asks for it, and
   * returns what a login would. The core has seen to it that nobody else is here under the nick,
   * and to how many one address may make. The first plugin that has it is asked.
   */
  register?(ask: {
    readonly nick: Nick;
    readonly password: string;
    /** Host and port of the peer. */
    readonly remote: string;
  }): MaybePromise<Allow | Deny>;
  /**
   * Of a plugin that provides auth: mechanisms of SASL that its `onAuth` answers beside passwords,
   * each as an `exchange`; "EXTERNAL" are certificates. The first plugin that speaks ends it.
   */
  readonly mechanisms?: readonly string[];
  readonly commands?: Readonly<Record<string, Command>>;
  start?(): MaybePromise<void>;
  stop?(): MaybePromise<void>;
};

export type Schema = v.GenericSchema<unknown, unknown>;

/** A plugin with its options, as it stands in a config. A plain object; no instanceof. */
export interface Plugin<
  N extends string = string,
  P extends readonly Role[] = readonly Role[],
  R extends readonly ServiceName[] = readonly ServiceName[],
> {
  readonly chatfusion: 1;
  readonly name: N;
  readonly provides: P;
  readonly requires: R;
  readonly schema: Schema | undefined;
  readonly options: unknown;
  // A method, so that plugins of different options fit one list; the core calls it with a context
  // that it made from `schema`, `provides` and `requires`.
  setup(context: unknown): Parts;
}

export type { Bytes };
