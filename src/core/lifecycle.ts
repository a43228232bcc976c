// A server's life: plugins started one by one → gateways → the one port; and back:
// nobody new → everybody told → outboxes drained by a deadline → plugins stopped in reverse.

import type { Environment } from "../environment.ts";
import { ChatFusionError, failure, placeOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName } from "../names.ts";
import type { History } from "../plugin/history.ts";
import type { Gatekeeper } from "./acceptor.ts";
import type { ServerEvent } from "./events.ts";
import type { MessageLog } from "./log.ts";
import type { Mail } from "./mail.ts";
import type { LivePlugin } from "./plugins.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Tick } from "./tick.ts";

export interface LifecycleOptions {
  readonly environment: Environment;
  readonly self: ServerName;
  /** In setup's order. */
  readonly live: readonly LivePlugin[];
  readonly log: MessageLog;
  readonly gate: Gatekeeper;
  readonly sessions: Sessions;
  readonly tick: Tick<LiveSession>;
  /** All that is open; closed at the stop. */
  readonly listeners: readonly { close(): void }[];
  /** Reads back what the server must know of its earlier lives, side by side. */
  recall(history: History): readonly Promise<void>[];
  /** Reads what people have set for themselves; no plugin is asked. Never rejects. */
  readPersonal(): Promise<void>;
  /** Reads what is kept for people; when all plugins have started. */
  readMail(): Promise<void>;
  /** What must be on the disk before a server is gone. */
  readonly kept: readonly Pick<Mail, "idle">[];
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  abort(): void;
  /** Nobody is told any more who of this server comes and goes. */
  leave(): void;
  /** Ends what goes to and comes from other servers, and all that waits for an answer. */
  close(): void;
  readonly report: (event: ServerEvent) => void;
}

export interface Lifecycle {
  startPlugins(): Promise<void>;
  start(): Promise<{ readonly host: string; readonly port: number }>;
  stop(reason: string): Promise<void>;
}

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { environment, live } = options;
  const started: LivePlugin[] = [];
  let starting: Promise<void> | undefined;
  let opening: Promise<unknown> | undefined;
  let stopping: Promise<void> | undefined;

  const byDeadline = async (what: string, ms: number, work: Promise<unknown>): Promise<void> => {
    let cancel = () => {};
    const late = new Promise<"late">((resolve) => {
      cancel = environment.clock.after(ms, () => resolve("late"));
    });
    try {
      if ((await Promise.race([work, late])) === "late")
        environment.log.warn("stop went on without", { what, ms });
    } catch (thrown) {
      environment.log.error("stop failed", { what, error: String(thrown) });
    } finally {
      cancel();
    }
  };
  /** Has a plugin do what the start waits for, and says whose fault it is where that fails. */
  const begin = async <T>(
    { plugin }: LivePlugin,
    what: string,
    work: () => T,
  ): Promise<Awaited<T>> => {
    const { name } = plugin;
    const ms = LIMITS.startMsUsual;
    const cancel = environment.clock.after(ms, () =>
      environment.log.warn("start waits for a plugin", { plugin: name, what, ms }),
    );
    try {
      return await work();
    } catch (thrown) {
      const isTold = thrown instanceof ChatFusionError;
      const why = isTold ? thrown.text : `${what} threw: ${String(thrown)}${placeOf(thrown)}`;
      const code = isTold ? thrown.code : "CONFIG_INVALID";
      throw new ChatFusionError(code, `plugin ${name}: ${why}`, thrown);
    } finally {
      cancel();
    }
  };
  const startAll = async () => {
    const personal = options.readPersonal(); // while the plugins wait for their disks
    for (const one of live) {
      started.push(one);
      await begin(one, "start", () => one.parts.start?.());
      const { history } = one.parts;
      if (history !== undefined)
        await begin(one, "history", () => Promise.all(options.recall(history)));
    }
    await personal;
    await options.readMail();
  };
  const stopPlugins = async () => {
    options.abort();
    for (const { plugin, parts } of started.splice(0).toReversed())
      await byDeadline(
        plugin.name,
        LIMITS.stopMsMax,
        Promise.resolve().then(() => parts.stop?.()),
      );
  };
  /** Nobody new comes in. */
  const closeDoors = async () => {
    for (const listener of options.listeners) listener.close();
    for (const { plugin, parts } of started)
      await byDeadline(
        plugin.name,
        LIMITS.stopMsMax,
        Promise.resolve().then(() => parts.gateway?.close()),
      );
  };
  const drain = async (reason: string) => {
    options.gate.evictAll(failure("SERVER_STOPPING", reason));
    await closeDoors();
    options.tick.now();
    const logged = options.log.idle(() => options.tick.now());
    await byDeadline("log", LIMITS.drainMsMax, logged);
    const kept = Promise.all(options.kept.map((one) => one.idle()));
    await byDeadline("mail", LIMITS.drainMsMax, kept);
    options.tick.now(); // the acknowledgements of what the log has now
    options.leave();
    for (const session of options.sessions.all()) session.expel("SERVER_STOPPING", reason);
    options.tick.now();
    options.close();
  };
  const stopAll = async (reason: string) => {
    // Whoever started it was told how that went.
    const begun = Promise.allSettled([starting, opening]);
    await byDeadline("start", LIMITS.stopMsMax, begun);
    await drain(reason);
    await stopPlugins();
    options.tick.now();
    options.report({ event: "stopped", reason });
  };

  /** A stop that came meanwhile is heeded before anything more is opened. */
  const heedStop = () => {
    if (stopping !== undefined) throw new ChatFusionError("SERVER_STOPPING", "it is to stop again");
  };
  const openAll = async () => {
    try {
      await (starting ??= startAll());
      for (const one of live) {
        heedStop();
        const { gateway } = one.parts;
        const addresses = gateway && (await begin(one, "open", () => gateway.open()));
        for (const address of addresses ?? [])
          options.report({ event: "gateway", plugin: one.plugin.name, address });
      }
      heedStop();
      const address = await options.listen();
      options.report({ event: "listening", server: options.self, ...address });
      return address;
    } catch (thrown) {
      await closeDoors();
      await stopPlugins();
      throw thrown;
    }
  };

  return {
    startPlugins: () => (starting ??= startAll()),
    start() {
      const open = openAll();
      opening = open;
      return open;
    },
    stop: (reason) => (stopping ??= stopAll(reason)),
  };
}
