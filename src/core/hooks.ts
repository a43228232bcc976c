// The compiled hooks: one list per hook, in the order of the config, run synchronously until the
// first promise. A verdict is a value; a throw, a rejection or a missed deadline is the plugin's
// fault: it is logged with plugin and hook, and decided closed. Next: plugins.ts.

import * as v from "valibot";
import type { Clock, Log, MaybePromise } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { ChatFusionError, failure, stackOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import type { Parts } from "../plugin/context.ts";
import type {
  Allow,
  AuthRequest,
  CommandOffer,
  Deny,
  FileOffer,
  Hooks,
  JoinOffer,
  MergeOffer,
  Message,
  PresenceChange,
  Redacted,
  TellOffer,
} from "../plugin/hooks.ts";
import { HOOK_KINDS } from "../plugin.ts";
import { checkKind } from "../protocol/amendment.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import { SayKind } from "../protocol/messages.ts";
import { tellHeldUp } from "./held-up.ts";
import { isAllow, isDeny, isDrop, reasonOf, wrongIn } from "./verdicts.ts";

/** One plugin's hooks, and what is asked and answered like one. */
export interface HookSource {
  readonly plugin: string;
  readonly hooks: Partial<Hooks> & Pick<Parts, "register">;
}
type Registering = Parameters<NonNullable<Parts["register"]>>[0];

interface Step<A, V> {
  readonly plugin: string;
  readonly run: (argument: A) => V;
}
type Async<V> = V | Promise<V>;

export interface CompiledHooks {
  /** The account and roles that were allowed, or why nobody enters. */
  auth(request: AuthRequest): MaybePromise<Allow | Failure>;
  /** The message as the chain left it, or why it was dropped. */
  message(message: Message): MaybePromise<Message | Failure>;
  /** The new account, by the first plugin that makes some; undefined where none does. */
  readonly register: ((ask: Registering) => MaybePromise<Allow | Failure>) | undefined;
  /** Somebody may object to private messages. */
  readonly judgesTells: boolean;
  /** Undefined when nobody objects. */
  tell(offer: TellOffer): MaybePromise<Failure | undefined>;
  join(offer: JoinOffer): MaybePromise<Failure | undefined>;
  command(offer: CommandOffer): MaybePromise<Failure | undefined>;
  merge(offer: MergeOffer): MaybePromise<Failure | undefined>;
  file(offer: FileOffer): MaybePromise<Failure | undefined>;
  presence(change: PresenceChange): void;
  logged(messages: readonly MessageEntry[]): void;
  /** Undefined when all have removed what they had. */
  redact(messages: readonly Redacted[]): Promise<Failure | undefined>;
  /** Somebody wants to hear of logged messages. */
  readonly hearsLogged: boolean;
  readonly order: readonly { readonly hook: string; readonly plugins: readonly string[] }[];
}

/** Compiles the hooks of all plugins; `sources` stand in the order of the config. */
export function compileHooks(
  sources: readonly HookSource[],
  clock: Clock,
  log: Log,
): CompiledHooks {
  const guard = createGuard(clock, log);
  const steps = <K extends keyof Hooks>(hook: K) =>
    sources.flatMap(({ plugin, hooks }) => {
      const run = hooks[hook];
      return run === undefined ? [] : [{ plugin, run }];
    });
  const auth = steps("onAuth");
  const message = steps("onMessage");
  const presence = steps("onPresence");
  const tells = steps("onTell");
  const logged = steps("onLogged");
  const redact = steps("onRedact");
  const veto = <A>(hook: keyof typeof DENIED, list: readonly Step<A, Async<unknown>>[]) => {
    const code = DENIED[hook];
    return (offer: A): MaybePromise<Failure | undefined> =>
      list.length === 0
        ? undefined
        : guard.each(hook, list, undefined, offer, (verdict) =>
            isDeny(verdict) ? { stop: failure(code, reasonOf(verdict)) } : undefined,
          );
  };
  const registrar = sources.find(({ hooks }) => hooks.register !== undefined);
  return {
    auth: (request) =>
      guard.each<AuthRequest, Allow | Failure>(
        "onAuth",
        auth,
        failure("AUTH_DENIED", `${visible(request.nick)} is not let in here: ${UNKNOWN}`),
        request,
        (verdict, sofar) => {
          if (isDeny(verdict)) return { stop: denial(verdict) };
          if (!isAllow(verdict)) return undefined;
          return { next: "code" in sofar ? verdict : sofar };
        },
      ),
    register: registrar && ((ask) => guard.answer(registrar, ask)),
    message: (first) => (message.length === 0 ? first : guard.chain(message, first)),
    judgesTells: tells.length > 0,
    tell: veto<TellOffer>("onTell", tells),
    join: veto<JoinOffer>("onJoin", steps("onJoin")),
    command: veto<CommandOffer>("onCommand", steps("onCommand")),
    merge: veto<MergeOffer>("onMerge", steps("onMerge")),
    file: veto<FileOffer>("onFile", steps("onFile")),
    presence: (change) => guard.notify("onPresence", presence, change),
    logged: (messages) => guard.notify("onLogged", logged, messages),
    async redact(messages) {
      let refused: Failure | undefined;
      for (const step of redact) {
        const end = await guard.each("onRedact", [step], undefined, messages, () => undefined);
        refused ??= end;
      }
      return refused;
    },
    hearsLogged: logged.length > 0,
    order: (Object.keys(HOOK_KINDS) as (keyof Hooks)[]) // its keys are the hooks
      .map((hook) => ({ hook, plugins: steps(hook).map((step) => step.plugin) }))
      .filter((row) => row.plugins.length > 0),
  };
}

// --- internal -----------------------------------------------------------------------------------

/** Why nobody has let somebody in. */
const UNKNOWN = "no plugin knows this nick like this; ask the operator to register it";

/** What the person is told whom a veto stops. */
const DENIED = {
  onJoin: "JOIN_DENIED",
  onTell: "DROPPED",
  onCommand: "COMMAND_DENIED",
  onMerge: "MERGE_DENIED",
  onFile: "FILE_DENIED",
} as const;

const CORES_WORDS: ReadonlySet<ErrorCode> = new Set(["AUTH_BUSY", "AUTH_FAILED"]);

const isPromise = <A>(value: A | Promise<A>): value is Promise<A> =>
  typeof value === "object" && value !== null && "then" in value;

/** Goes on with a value, at once where it is there. */
export function goOn<A, B>(
  value: MaybePromise<A>,
  next: (value: A) => MaybePromise<B>,
): MaybePromise<B> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** Of a hook with this argument. Where a client is asked back, its time is not the plugin's. */
function deadlineOf(hook: string, argument: unknown): number {
  if (hook === "onRedact") return LIMITS.redactMsMax;
  const { credential } = Object(argument) as Partial<AuthRequest>; // not there in other hooks
  const challenges = credential?.kind === "exchange" ? LIMITS.challengesMax : 0;
  return LIMITS.hookMsMax + challenges * LIMITS.challengeMsMax;
}

const denial = (verdict: Deny): Failure =>
  failure(verdict.code ?? "AUTH_DENIED", reasonOf(verdict));

/** What a verdict does; undefined for what is no verdict of this hook. */
type Fold<R> = (
  verdict: unknown,
  sofar: R,
) => { readonly stop: R } | { readonly next: R } | undefined;

function createGuard(clock: Clock, log: Log) {
  /** Ours, to be told from what plugins return. */
  const faults = new WeakSet<object>();
  const isFault = (value: unknown): value is Failure =>
    typeof value === "object" && value !== null && faults.has(value);
  const fault = (plugin: string, hook: string, thrown: unknown): Failure => {
    // The core's own word, passed on: the hashing pool is full, the client has given up.
    if (thrown instanceof ChatFusionError && CORES_WORDS.has(thrown.code)) {
      const word = failure(thrown.code, thrown.message);
      faults.add(word);
      return word;
    }
    log.error("hook failed", { plugin, hook, error: stackOf(thrown) });
    const text = `the plugin ${plugin} failed in ${hook}; it has been logged`;
    const made = failure("PLUGIN_FAILED", text);
    faults.add(made);
    return made;
  };
  const timed = (
    plugin: string,
    hook: string,
    promise: Promise<unknown>,
    msMax: number,
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no answer within ${msMax} ms`));
      const cancel = clock.after(msMax, late);
      promise.then(resolve, reject).finally(cancel);
    }).catch((thrown: unknown) => fault(plugin, hook, thrown));
  const call = <A>(hook: string, step: Step<A, unknown>, argument: A): unknown => {
    const began = clock.monotonic();
    try {
      const result = step.run(argument);
      tellHeldUp({ clock, log }, began, "hook", { plugin: step.plugin, hook });
      return isPromise(result)
        ? timed(step.plugin, hook, result, deadlineOf(hook, argument))
        : result;
    } catch (thrown) {
      return fault(step.plugin, hook, thrown);
    }
  };
  /** Asks step by step; `fold` says what a verdict does. A fault stops with a failure. */
  function each<A, R>(
    hook: string,
    list: readonly Step<A, unknown>[],
    start: R,
    argument: A,
    fold: Fold<R | Failure>,
    from = 0,
  ): MaybePromise<R | Failure> {
    let sofar: R | Failure = start;
    const take = (plugin: string, verdict: unknown): boolean => {
      if (verdict === undefined) return false;
      const step = isFault(verdict)
        ? { stop: verdict }
        : (fold(verdict, sofar) ?? { stop: fault(plugin, hook, wrongIn(hook, verdict)) });
      sofar = "stop" in step ? step.stop : step.next;
      return "stop" in step;
    };
    for (let i = from; i < list.length; i++) {
      const step = list[i] as Step<A, unknown>; // within bounds
      const verdict = call(hook, step, argument);
      if (isPromise(verdict))
        return verdict.then((value) =>
          take(step.plugin, value) ? sofar : each(hook, list, sofar as R, argument, fold, i + 1),
        );
      if (take(step.plugin, verdict)) return sofar;
    }
    return sofar;
  }

  /** Hands a message from step to step. */
  function chain(
    list: readonly Step<Message, unknown>[],
    first: Message,
    from = 0,
  ): MaybePromise<Message | Failure> {
    let message = first;
    const take = (plugin: string, verdict: unknown): Failure | undefined => {
      if (verdict === undefined) return undefined;
      if (isDrop(verdict)) return failure("DROPPED", reasonOf(verdict));
      if (isFault(verdict)) return verdict;
      const { text, kind = message.kind } = Object(verdict) as Partial<Message>; // checked here
      if (typeof text !== "string" || !v.is(SayKind, kind))
        return fault(plugin, "onMessage", wrongIn("onMessage", verdict));
      if (text === message.text && kind === message.kind) return undefined;
      // Who said it where, and under which id, is not the plugins' to change.
      message = { ...message, text, kind };
      const flaw = checkKind(message);
      return flaw && fault(plugin, "onMessage", `what it made of a message: ${flaw.text}`);
    };
    for (let i = from; i < list.length; i++) {
      const step = list[i] as Step<Message, unknown>; // within bounds
      const verdict = call("onMessage", step, message);
      if (isPromise(verdict))
        return verdict.then((value) => take(step.plugin, value) ?? chain(list, message, i + 1));
      const stop = take(step.plugin, verdict);
      if (stop !== undefined) return stop;
    }
    return message;
  }

  function notify<A>(hook: string, list: readonly Step<A, unknown>[], argument: A): void {
    for (const step of list) call(hook, step, argument);
  }

  /** Asks one plugin that must answer, with allow or deny. */
  function answer(
    { plugin, hooks: { register } }: HookSource,
    ask: Registering,
  ): MaybePromise<Allow | Failure> {
    // It has no way to say nothing: that is what null is to the others.
    const run = (asked: Registering) => goOn(register?.(asked), (verdict) => verdict ?? null);
    const none = failure("AUTH_DENIED", "nobody registers here by himself");
    return each<Registering, Allow | Failure>(
      "register",
      [{ plugin, run }],
      none,
      ask,
      (verdict) =>
        isDeny(verdict)
          ? { stop: denial(verdict) }
          : isAllow(verdict)
            ? { stop: verdict }
            : undefined,
    );
  }
  return { each, chain, notify, answer };
}
