// Plugins that are wrong, each with the error that TypeScript must find, and right ones as well.
// `bun check` is the test: an expected error that does not come is an error. Never run.

import * as v from "valibot";
import type { AuthHost, FabricHost, GatewayHost, History, ServerName } from "../../src/plugin.ts";
import { allow, command, definePlugin, deny, drop } from "../../src/plugin.ts";

const gateway = { open: () => ["line :1"], close() {} };
const history: History = {
  streams: () => [],
  append() {},
  range: () => [],
  backlog: () => [],
  onward: () => [],
  since: () => [],
  search: () => ({ messages: [] }),
  redact() {},
};

// --- right ones --------------------------------------------------------------------------------

definePlugin({ name: "nothing", setup: () => ({}) });

definePlugin({
  name: "all hooks",
  setup: () => ({
    onAuth: ({ nick }) => (nick === "x" ? deny("no", "AUTH_DENIED") : undefined),
    onMessage: async (message) => ({ ...message, text: message.text.trim() }),
    onTell: ({ textBytes }) => (textBytes > 10 ? deny("too long") : undefined),
    onJoin: async ({ room, members }) => (room === "#x" && members > 9 ? deny("full") : undefined),
    onCommand({ caller, name, words }) {
      if (caller.by === "console") return undefined;
      const who: string = caller.person.nick;
      return words.length > 9 ? deny(`${who}: too many words for ${name}`) : undefined;
    },
    onMerge: async ({ server }) => (server === "lyon" ? deny("no") : undefined),
    onFile({ sizeBytes }) {
      if (sizeBytes > 10) return deny("too large");
      return undefined;
    },
    onPresence({ person, now }) {
      const text: string = `${person.nick} ${now}`;
      return void text;
    },
    onLogged: (messages) => void messages.length,
    start: async () => {},
    stop() {},
  }),
});

definePlugin({
  name: "all that a context holds",
  options: v.strictObject({ count: v.number() }),
  provides: ["auth", "gateway"],
  requires: ["fabric", "history"],
  setup(context) {
    const self: ServerName = context.self;
    const count: number = context.options.count;
    const host: AuthHost & GatewayHost = context.host;
    const kept: History = context.history;
    const folder: string | undefined = context.folder();
    const added: (n?: number) => void = context.metrics.counter("seen", "what was seen");
    context.clock.after(count, () => context.log.info("late", { self, folder }));
    context.signal.addEventListener("abort", () => void [host, kept, context.fabric.view]);
    added(context.random.next());
    return { onAuth: () => allow("ann", ["admin"]), gateway };
  },
});

definePlugin({
  name: "commands",
  setup: () => ({
    commands: {
      add: command({
        about: "adds two numbers",
        usage: "A B",
        args: v.strictTuple([v.pipe(v.string(), v.transform(Number)), v.string()]),
        run: ([a, b], { by }) => ({ text: `${a.toFixed(1)} ${b.length} ${by}` }),
      }),
      greet: command({
        about: "greets whoever runs it",
        open: "everybody",
        args: v.strictTuple([]),
        run: (_words, { person }) => ({ text: `hello ${person?.nick ?? "operator"}` }),
      }),
      secret: command({
        about: "takes a password",
        role: "admin",
        secret: true,
        args: v.strictTuple([v.string()]),
        run: async ([word]) => ({ text: `${word.length} letters` }),
      }),
    },
  }),
});

const optional = definePlugin({
  name: "optional options",
  options: v.optional(v.strictObject({ count: v.optional(v.number(), 1) }), {}),
  setup({ options: { count } }) {
    const sure: number = count;
    return { onLogged: () => void sure };
  },
});
optional();
optional({});
optional({ count: 2 });

const owed = definePlugin({
  name: "options that are owed",
  options: v.strictObject({ count: v.number(), word: v.optional(v.string(), "x") }),
  setup: () => ({}),
});
owed({ count: 1 });
owed({ count: 1, word: "y" });

const bare = definePlugin({ name: "no options", setup: () => ({}) });
bare();

// --- wrong options -----------------------------------------------------------------------------

// @ts-expect-error: options that are owed are missing
owed();
// @ts-expect-error: an option is missing
owed({ word: "y" });
// @ts-expect-error: a misspelt option
owed({ count: 1, wrod: "y" });
// @ts-expect-error: an option of a wrong type
owed({ count: "1" });
// @ts-expect-error: a misspelt option, where all are optional
optional({ cuont: 1 });
// @ts-expect-error: options where none are taken
bare({ count: 1 });
// @ts-expect-error: options where none are taken, though empty
bare({});

definePlugin({
  name: "misspelt use of an option",
  options: v.strictObject({ count: v.number() }),
  setup({ options }) {
    // @ts-expect-error: no such option
    return { onLogged: () => void options.cuont };
  },
});

// --- wrong parts -------------------------------------------------------------------------------

definePlugin({
  name: "misspelt hook",
  // @ts-expect-error: no such hook or part: "onMesage"
  setup: () => ({ onMesage: () => undefined }),
});

definePlugin({
  name: "misspelt hook beside a right one",
  options: v.strictObject({ count: v.number() }),
  // @ts-expect-error: no such hook or part: "onmessage"
  setup: ({ options }) => ({ onLogged: () => void options.count, onmessage: () => undefined }),
});

definePlugin({
  name: "asynchronous onPresence",
  // @ts-expect-error: onPresence is synchronous
  setup: () => ({ onPresence: async () => undefined }),
});

definePlugin({
  name: "asynchronous onLogged",
  // @ts-expect-error: onLogged is synchronous
  setup: () => ({ onLogged: async () => undefined }),
});

definePlugin({
  name: "asynchronous setup",
  // @ts-expect-error: setup is synchronous
  setup: async () => ({}),
});

definePlugin({
  name: "a verdict of another hook",
  // @ts-expect-error: a message is dropped, not denied
  setup: () => ({ onMessage: () => deny("no") }),
});

definePlugin({
  name: "another verdict of another hook",
  // @ts-expect-error: a file is denied, not dropped
  setup: () => ({ onFile: () => drop("no") }),
});

definePlugin({
  name: "a verdict that is none",
  // @ts-expect-error: a verdict is a value of allow, deny or drop
  setup: () => ({ onMerge: () => false }),
});

definePlugin({
  name: "allow in a veto",
  // @ts-expect-error: nobody can consent for the others
  setup: () => ({ onMerge: () => allow("ann") }),
});

definePlugin({
  name: "what an argument does not hold",
  // @ts-expect-error: the text of a private message is nobody's business
  setup: () => ({ onTell: ({ text }) => (text === "" ? deny("empty") : undefined) }),
});

definePlugin({
  name: "a join that is dropped",
  // @ts-expect-error: a join is denied, not dropped
  setup: () => ({ onJoin: () => drop("no") }),
});

definePlugin({
  name: "a command that is allowed",
  // @ts-expect-error: nobody can consent for the others
  setup: () => ({ onCommand: () => allow("ann") }),
});

definePlugin({
  name: "a person at the console",
  setup: () => ({
    // @ts-expect-error: at the console there is none: ask for `by` first
    onCommand: ({ caller }) => (caller.person.nick === "x" ? deny("no") : undefined),
  }),
});

definePlugin({
  name: "a message that is changed in place",
  setup: () => ({
    onMessage(message) {
      // @ts-expect-error: arguments are readonly; return a new one
      message.text = "";
      return message;
    },
  }),
});

definePlugin({
  name: "a command made by hand",
  // @ts-expect-error: a command is made by `command`
  setup: () => ({ commands: { hi: () => "hi" } }),
});

command({
  about: "arguments that are no words",
  // @ts-expect-error: a schema of a tuple
  args: v.string(),
  run: () => ({ text: "" }),
});

command({
  about: "open to a role, and to all",
  role: "admin",
  // @ts-expect-error: one of the two
  open: "everybody",
  args: v.strictTuple([]),
  run: () => ({ text: "" }),
});

command({
  about: "open to nobody knows whom",
  // @ts-expect-error: "accounts" or "everybody"
  open: "guests",
  args: v.strictTuple([]),
  run: () => ({ text: "" }),
});

command({
  about: "a word that the schema does not take",
  args: v.strictTuple([v.string()]),
  // @ts-expect-error: there is one word
  run: ([one, two]) => ({ text: one + two }),
});

// --- roles -------------------------------------------------------------------------------------

definePlugin({
  name: "provides auth without onAuth",
  provides: ["auth"],
  // @ts-expect-error: onAuth is owed
  setup: () => ({ onMessage: () => undefined }),
});

definePlugin({
  name: "provides a gateway without one",
  provides: ["gateway"],
  // @ts-expect-error: gateway is owed
  setup: () => ({}),
});

definePlugin({
  name: "provides history without it",
  provides: ["history"],
  // @ts-expect-error: history is owed
  setup: () => ({ onLogged: () => undefined }),
});

definePlugin({
  name: "provides a fabric without it",
  provides: ["fabric"],
  // @ts-expect-error: fabric is owed
  setup: () => ({}),
});

definePlugin({
  name: "a part without its role",
  // @ts-expect-error: not declared in provides: "gateway"
  setup: () => ({ gateway }),
});

definePlugin({
  name: "a part without its role, beside one with",
  provides: ["gateway"],
  // @ts-expect-error: not declared in provides: "history"
  setup: () => ({ gateway, history }),
});

definePlugin({
  name: "accounts without auth",
  // @ts-expect-error: not declared in provides: "auth"
  setup: () => ({ accountOf: () => "ana" }),
});

definePlugin({
  name: "registration without auth",
  // @ts-expect-error: not declared in provides: "auth"
  setup: () => ({ register: () => allow("ana") }),
});

definePlugin({
  name: "mechanisms without auth",
  // @ts-expect-error: not declared in provides: "auth"
  setup: () => ({ mechanisms: ["SCRAM-SHA-256"] }),
});

definePlugin({
  name: "a half history",
  provides: ["history"],
  // @ts-expect-error: range and backlog are missing
  setup: () => ({ history: { streams: () => [], append() {} } }),
});

definePlugin({
  name: "the host of a role that was not declared",
  provides: ["auth"],
  setup({ host }) {
    // @ts-expect-error: enter is for gateways
    return { onAuth: () => void host.enter };
  },
});

definePlugin({
  name: "a host without any role",
  setup({ host }) {
    // @ts-expect-error: no role, no host
    return { onLogged: () => void host.identity };
  },
});

definePlugin({
  name: "the key is the fabric's",
  provides: ["gateway"],
  setup({ host }) {
    // @ts-expect-error: not a fabric
    const fabric: FabricHost = host;
    return { gateway, stop: () => void fabric };
  },
});

definePlugin({
  name: "a service that was not required",
  requires: ["fabric"],
  // @ts-expect-error: history is not among requires
  setup: ({ history: kept }) => ({ onLogged: () => void kept }),
});

// @ts-expect-error: no such role
definePlugin({ name: "a role that is none", provides: ["gatewya"], setup: () => ({}) });

definePlugin({
  name: "a service that is none",
  // @ts-expect-error: auth is no service
  requires: ["auth"],
  setup: () => ({}),
});

// @ts-expect-error: a plugin has a name
definePlugin({ setup: () => ({}) });

// @ts-expect-error: a plugin has a setup
definePlugin({ name: "no setup" });

definePlugin({
  name: "misspelt key of the definition",
  // @ts-expect-error: no such key: "require"
  require: ["history"],
  setup: () => ({}),
});
