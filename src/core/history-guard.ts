// The history as the core asks it. What its plugin does wrong is logged with its name, and told to
// whoever asked as its fault. Next: log.ts (what is written), history-pages.ts (what is read).

import * as v from "valibot";
import type { Environment, MaybePromise } from "../environment.ts";
import { ChatFusionError, stackOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Conversations, History } from "../plugin/history.ts";
import type { LivePlugin } from "./plugins.ts";

type Around = Pick<Environment, "clock" | "log">;
/** What a method must give. */
const GIVEN = {
  "a list": Array.isArray,
  "a list or undefined": (value) => value === undefined || Array.isArray(value),
  "messages in a list": (value) => v.is(v.object({ messages: v.array(v.unknown()) }), value),
} satisfies Record<string, (value: unknown) => boolean>;
type Gives = keyof typeof GIVEN;

/** The history that a plugin provides, with a guard before it. */
export function historyOf(live: readonly LivePlugin[], around: Around): History | undefined {
  const found = live.find(({ parts }) => parts.history !== undefined);
  return found?.parts.history && guarded(found.plugin.name, found.parts.history, around);
}

// --- internal -----------------------------------------------------------------------------------

/** Its methods are called as they were. */
function guarded(plugin: string, history: History, around: Around): History {
  const guard = createGuard(plugin, around);
  const { about, deletions, conversations } = history;
  return {
    streams: guard.read("streams", "a list", () => history.streams()),
    range: guard.read("range", "a list", (...of) => history.range(...of)),
    backlog: guard.read("backlog", "a list", (...of) => history.backlog(...of)),
    onward: guard.read("onward", "a list", (...of) => history.onward(...of)),
    since: guard.read("since", "a list or undefined", (...of) => history.since(...of)),
    search: guard.read("search", "messages in a list", (...of) => history.search(...of)),
    append: guard.write("append", (...of) => history.append(...of)),
    redact: guard.write("redact", (...of) => history.redact(...of)),
    ...(about && { about: guard.read("about", "a list", about.bind(history)) }),
    ...(deletions && { deletions: guard.read("deletions", "a list", deletions.bind(history)) }),
    ...(conversations && { conversations: guardConversations(guard, conversations) }),
  };
}

type Guard = ReturnType<typeof createGuard>;

const guardConversations = ({ read, write }: Guard, of: Conversations): Conversations => ({
  page: read("conversations.page", "a list", (...by) => of.page(...by)),
  newest: read("conversations.newest", "a list", (...by) => of.newest(...by)),
  accounts: read("conversations.accounts", "a list", () => of.accounts()),
  keep: write("conversations.keep", (...by) => of.keep(...by)),
  forget: write("conversations.forget", (...by) => of.forget(...by)),
});

function createGuard(plugin: string, { clock, log }: Around) {
  /** A refusal is no fault: `BAD_REQUEST` for a search that has nothing to look for. */
  const failed = (method: string, thrown: unknown): ChatFusionError => {
    if (thrown instanceof ChatFusionError) return thrown;
    log.error("history failed", { plugin, method, error: stackOf(thrown) });
    const text = `the plugin ${plugin} failed in its history; it has been logged`;
    return new ChatFusionError("PLUGIN_FAILED", text);
  };
  const checked = <R>(result: R, gives: Gives): R => {
    if (GIVEN[gives](result)) return result;
    throw new Error(`expected ${gives}, got ${result === null ? "null" : typeof result}`);
  };
  const through =
    <A extends readonly unknown[], R>(
      method: string,
      run: (...of: A) => MaybePromise<R>,
      settled: (result: MaybePromise<R>) => MaybePromise<R>,
    ) =>
    (...of: A): MaybePromise<R> => {
      try {
        const result = settled(run(...of));
        if (!(result instanceof Promise)) return result;
        return result.catch((thrown: unknown) => {
          throw failed(method, thrown);
        });
      } catch (thrown) {
        throw failed(method, thrown);
      }
    };
  return {
    /** Somebody waits for it, and not for ever. */
    read: <A extends readonly unknown[], R>(
      method: string,
      gives: Gives,
      run: (...of: A) => MaybePromise<R>,
    ) =>
      through(method, run, (result) => {
        if (!(result instanceof Promise)) return checked(result, gives);
        const late = Promise.withResolvers<never>();
        const ms = LIMITS.historyReadMsMax;
        const cancel = clock.after(ms, () => late.reject(new Error(`no answer within ${ms} ms`)));
        const read = result.then((value) => checked(value, gives));
        return Promise.race([read, late.promise]).finally(cancel);
      }),
    /** Whether it is written is known when it settles, and not before: one that hangs is told. */
    write: <A extends readonly unknown[], R>(method: string, run: (...of: A) => MaybePromise<R>) =>
      through(method, run, (result) => {
        if (!(result instanceof Promise)) return result;
        const ms = LIMITS.historyWriteMsUsual;
        const cancel = clock.after(ms, () =>
          log.warn("history is slow to write", { plugin, method, ms }),
        );
        return result.finally(cancel);
      }),
  };
}
