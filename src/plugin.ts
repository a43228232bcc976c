/// <reference types="bun-types" />
// PUBLIC "chatfusion": all that a plugin and a config import, beside valibot. Six functions, three
// tables, what plugins share with the core (limits, names, errors), and types by noun in plugin/.
// The shape of plugins and configs is checked by types (tests/types) and again at the start.

import * as v from "valibot";
import { LANES } from "./environment.ts";
import type { Failure } from "./errors.ts";
import { ChatFusionError, failure } from "./errors.ts";
import type {
  Command,
  CommandResult,
  Context,
  Openness,
  Parts,
  Plugin,
  Role,
  Schema,
  ServiceName,
} from "./plugin/context.ts";
import type { Allow, Caller, Deny, DenyCode, Drop, Hooks } from "./plugin/hooks.ts";

/** How each hook's verdicts are taken together. */
export const HOOK_KINDS = {
  onAuth: "consent",
  onJoin: "veto",
  onMessage: "chain",
  onTell: "veto",
  onCommand: "veto",
  onMerge: "veto",
  onFile: "veto",
  onPresence: "notify",
  onLogged: "notify",
  onRedact: "wait",
} as const satisfies Record<keyof Hooks, "consent" | "chain" | "veto" | "notify" | "wait">;

/** How many plugins of a config may provide a role. */
export const PROVIDERS = {
  auth: { min: 1, max: Number.POSITIVE_INFINITY },
  fabric: { min: 1, max: 1 },
  history: { min: 0, max: 1 },
  gateway: { min: 0, max: Number.POSITIVE_INFINITY },
} as const satisfies Record<Role, { readonly min: number; readonly max: number }>;

/** The classes of traffic between servers, the most urgent first. */
export const TRAFFIC = LANES;

/** Consents to a nick. Without an account the person is a guest; it is a name like a nick. */
export const allow = (account?: string, roles: readonly string[] = []): Allow => ({
  verdict: "allow",
  account,
  roles,
});

/** Refuses; the reason is shown to the person or the operator. `code` is for `onAuth`. */
export const deny = (reason: string, code?: DenyCode): Deny =>
  code === undefined ? { verdict: "deny", reason } : { verdict: "deny", reason, code };

/** Takes a message away; the reason is shown to its sender. */
export const drop = (reason: string): Drop => ({ verdict: "drop", reason });

/** Makes a command of words that a valibot tuple parses. */
export function command<const S extends v.GenericSchema<unknown, readonly unknown[]>>(
  one: Openness & {
    readonly about: string;
    /**
     * As it is shown to people, "NICK [REASON]", and read: a TEXT or REASON at the end is the rest
     * of the line, as one word; at #ROOM, NICK@SERVER and on|off the Tab key knows what there is.
     */
    readonly usage?: string;
    readonly secret?: boolean;
    readonly args: S;
    readonly run: (
      args: v.InferOutput<S>,
      caller: Caller,
    ) => CommandResult | Failure | Promise<CommandResult | Failure>;
  },
): Command {
  const { about, usage = "", secret = false, role, open } = one;
  // Only one of the two is there, by the type of what was given.
  const openness = (role === undefined ? { open } : { role }) as Openness;
  return {
    about,
    usage,
    secret,
    ...openness,
    run(words, caller) {
      const parsed = v.safeParse(one.args, words);
      if (parsed.success) return one.run(parsed.output, caller);
      const [issue] = parsed.issues;
      const what = issue.received === "undefined" ? "a word is missing" : issue.message;
      return failure("USAGE", what); // the usage is added where its name is known
    },
  };
}

// --- plugins ------------------------------------------------------------------------------------

type OptionsOf<S> = S extends Schema ? v.InferOutput<S> : undefined;
type InputOf<S> = S extends Schema ? v.InferInput<S> : undefined;
/** The parts that a role owes. */
type Owed<P extends readonly Role[]> = ("fabric" extends P[number]
  ? { fabric: NonNullable<Parts["fabric"]> }
  : unknown) &
  ("history" extends P[number] ? { history: NonNullable<Parts["history"]> } : unknown) &
  ("gateway" extends P[number] ? { gateway: NonNullable<Parts["gateway"]> } : unknown) &
  ("auth" extends P[number] ? { onAuth: Hooks["onAuth"] } : unknown);
/** Refuses keys that are no part, and parts of roles that were not declared, at the key. */
type Exact<T, P extends readonly Role[]> = {
  readonly [K in keyof T]: K extends keyof Parts
    ? RoleOf<K> extends P[number]
      ? T[K]
      : T[K] & `not declared in provides: "${RoleOf<K>}"`
    : T[K] & "no such hook or part";
};
/** The role that a part belongs to; never for one that any plugin may have. */
type RoleOf<K> = K extends "accountOf" | "mechanisms" | "register"
  ? "auth"
  : K extends "fabric" | "history" | "gateway"
    ? K
    : never;

/** Without a schema no options are taken; where all options are optional, none need be given. */
export type Configured<
  N extends string,
  S,
  P extends readonly Role[],
  R extends readonly ServiceName[],
> = S extends Schema
  ? undefined extends InputOf<S>
    ? (options?: InputOf<S>) => Plugin<N, P, R>
    : (options: InputOf<S>) => Plugin<N, P, R>
  : () => Plugin<N, P, R>;

/**
 * Makes a plugin. `setup` is synchronous and does no I/O; `start` does. Make a schema optional
 * (`v.optional(schema, {})`) to let a config leave the options out.
 */
export function definePlugin<
  const N extends string,
  T extends Parts,
  const S extends Schema | undefined = undefined,
  const P extends readonly Role[] = readonly [],
  const R extends readonly ServiceName[] = readonly [],
>(definition: {
  readonly name: N;
  readonly options?: S;
  readonly provides?: P;
  readonly requires?: R;
  readonly setup: (
    context: Context<OptionsOf<S>, P, R>,
  ) => T & Owed<NoInfer<P>> & Exact<T, NoInfer<P>>;
}): Configured<N, S, P, R> {
  const make = (options?: unknown): Plugin<N, P, R> => ({
    chatfusion: 1,
    name: definition.name,
    // The defaults of P and R are the empty tuples, so these hold when nothing was given.
    provides: definition.provides ?? ([] as readonly Role[] as P),
    requires: definition.requires ?? ([] as readonly ServiceName[] as R),
    schema: definition.options,
    options,
    // The core makes the context from this very definition (core/plugins.ts).
    setup: (context) => definition.setup(context as Context<OptionsOf<S>, P, R>),
  });
  return make as Configured<N, S, P, R>; // narrows the optional argument to what the schema says
}

// --- the config ---------------------------------------------------------------------------------

export interface ListenConfig {
  /** Default "127.0.0.1". Any other than loopback has TLS. */
  readonly host?: string;
  /** 0 (the default): any free port, the last start's where it is free. */
  readonly port?: number;
}

export interface HistoryConfig {
  /**
   * How much is taken, as late, of what each server said in each room before this one heard it
   * there: at a merge, and when a room has its first member here. 0 (the default) to 1000 messages.
   */
  readonly onMerge?: number;
}

export interface RoomsConfig {
  /**
   * The first one in an empty room has it also without an account, until the last one of this
   * server has left. What guests set counts on this server alone. Default: false.
   */
  readonly guests?: boolean;
}

export interface Config {
  readonly name: string;
  readonly listen?: ListenConfig;
  readonly history?: HistoryConfig;
  readonly rooms?: RoomsConfig;
  /** The data folder; default "./data/NAME". */
  readonly data?: string;
  readonly plugins: readonly Plugin[];
}

type Provides<L extends readonly Plugin[], K extends Role> = L extends readonly [
  infer F,
  ...infer Rest extends readonly Plugin[],
]
  ? F extends Plugin<string, infer P>
    ? K extends P[number]
      ? readonly [F, ...Provides<Rest, K>]
      : Provides<Rest, K>
    : Provides<Rest, K>
  : readonly [];
type NameTwice<L extends readonly Plugin[]> = L extends readonly [
  infer F extends Plugin,
  ...infer Rest extends readonly Plugin[],
]
  ? F["name"] extends Rest[number]["name"]
    ? F["name"]
    : NameTwice<Rest>
  : never;
type Missing<L extends readonly Plugin[]> = Exclude<
  L[number]["requires"][number],
  L[number]["provides"][number]
>;
/** What is wrong with a list of plugins, as a text in its type; `unknown` when nothing is. */
type Fault<L extends readonly Plugin[]> = number extends L["length"]
  ? unknown
  : Provides<L, "auth"> extends readonly []
    ? "no plugin provides auth: nobody could enter"
    : Provides<L, "fabric"> extends readonly []
      ? "no plugin provides fabric"
      : Provides<L, "fabric"> extends readonly [unknown, unknown, ...unknown[]]
        ? "two plugins provide fabric"
        : Provides<L, "history"> extends readonly [unknown, unknown, ...unknown[]]
          ? "two plugins provide history"
          : [NameTwice<L>] extends [never]
            ? [Missing<L>] extends [never]
              ? unknown
              : `a plugin requires what none provides: ${Missing<L>}`
            : `the same plugin twice: ${NameTwice<L>}`;

/** Types a config; what cannot be seen in the types is checked at the start. */
export function defineConfig<const L extends readonly Plugin[]>(
  config: Omit<Config, "plugins"> & { readonly plugins: L & Fault<NoInfer<L>> },
): Config {
  return config;
}

// --- shared with the core ------------------------------------------------------------------------

export { ChatFusionError, failure };
export { assert, unreachable } from "./assert.ts";
export { failureOf, isFailure, ProtocolError } from "./errors.ts";
export type { ErrorCode, Failure } from "./errors.ts";
export { LIMITS } from "./limits.ts";
export { isSaid } from "./protocol/amendment.ts";
export { cutText } from "./protocol/cut.ts";
export { idAfter, idAt, timeIn } from "./protocol/id.ts";
export * from "./names.ts";
export type {
  Bytes,
  Clock,
  Lane,
  Log,
  MaybePromise,
  Millis,
  Random,
  Store,
} from "./environment.ts";
export { CHUNK_HEAD_BYTES, readChunk, writeChunkHead } from "./protocol/transfer.ts";
export type { Chunk } from "./protocol/transfer.ts";
export type * from "./plugin/context.ts";
export type * from "./plugin/fabric.ts";
export type * from "./plugin/gateway.ts";
export type * from "./plugin/history.ts";
export type * from "./plugin/hooks.ts";
export type * from "./protocol/messages.ts";
export type { Removal, RoomOutline, RoomSetting } from "./protocol/ruling.ts";
export type { ModeName, RoleName, Sanction } from "./protocol/state.ts";
