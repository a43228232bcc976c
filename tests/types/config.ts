// Configs that are wrong, each with the error that TypeScript must find, and right ones as well.
// `bun check` is the test: an expected error that does not come is an error. Never run.

import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import fabricTree from "../../plugins/fabric-tree.ts";
import limitRate from "../../plugins/limit-rate.ts";
import logJsonl from "../../plugins/log-jsonl.ts";
import logSqlite from "../../plugins/log-sqlite.ts";
import motd from "../../plugins/motd.ts";
import type { Plugin } from "../../src/plugin.ts";
import { defineConfig, definePlugin } from "../../src/plugin.ts";

const otherFabric = definePlugin({
  name: "fabric-other",
  provides: ["fabric"],
  setup: ({ host }) => ({ fabric: { ...fabric, protocol: `other ${host.identity.sid}` } }),
});
const fabric: NonNullable<ReturnType<Plugin["setup"]>["fabric"]> = {
  protocol: "other/1",
  accept: () => ({ frame() {}, idle() {}, closed() {} }),
  merge: () => Promise.reject(new Error("never")),
  unmerge: () => Promise.reject(new Error("never")),
  publish: () => "unreachable",
  keep() {},
  view: { version: 1, servers: [], neighbours: [], links: [] },
};
const otherLog = definePlugin({
  name: "log-other",
  provides: ["history"],
  setup: () => ({
    history: {
      streams: () => [],
      append() {},
      range: () => [],
      backlog: () => [],
      onward: () => [],
      since: () => [],
      search: () => ({ messages: [] }),
      redact() {},
    },
  }),
});
const reader = definePlugin({
  name: "reader",
  requires: ["history"],
  setup: ({ history }) => ({ onLogged: () => void history }),
});

// --- right ones --------------------------------------------------------------------------------

defineConfig({ name: "paris", plugins: [authGuest(), fabricTree()] });

defineConfig({
  name: "paris",
  listen: { host: "0.0.0.0", port: 7331 },
  data: "/var/lib/chatfusion/paris",
  plugins: [
    reader(), // what it requires may come later
    authGuest({ nicks: /^guest/ }),
    authSqlite(),
    limitRate({ perSecond: 1 }),
    logSqlite(),
    logJsonl(),
    motd({ text: "hi" }),
    fabricTree(),
  ],
});

// A list whose members the types cannot see is checked at the start.
const some: Plugin[] = [authGuest(), fabricTree()];
defineConfig({ name: "paris", plugins: some });
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), ...some] });

// --- providers ---------------------------------------------------------------------------------

// @ts-expect-error: no plugin provides auth: nobody could enter
defineConfig({ name: "paris", plugins: [fabricTree()] });

// @ts-expect-error: no plugin provides fabric
defineConfig({ name: "paris", plugins: [authGuest()] });

// @ts-expect-error: no plugins at all
defineConfig({ name: "paris", plugins: [] });

// @ts-expect-error: two plugins provide fabric
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), otherFabric()] });

// @ts-expect-error: two plugins provide history
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), logSqlite(), otherLog()] });

// @ts-expect-error: a plugin requires what none provides: history
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), reader()] });

// @ts-expect-error: the same plugin twice: limit-rate
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), limitRate(), limitRate()] });

// @ts-expect-error: the same plugin twice: auth-guest
defineConfig({ name: "paris", plugins: [authGuest(), authGuest({ nicks: /^x/ }), fabricTree()] });

// --- what stands in a config -------------------------------------------------------------------

// @ts-expect-error: a plugin that was not called
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree] });

// @ts-expect-error: something that is no plugin
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), "motd"] });

// @ts-expect-error: a server has a name
defineConfig({ plugins: [authGuest(), fabricTree()] });

// @ts-expect-error: a server has plugins
defineConfig({ name: "paris" });

defineConfig({
  name: "paris",
  // @ts-expect-error: no such key: "prot"
  listen: { prot: 7331 },
  plugins: [authGuest(), fabricTree()],
});

defineConfig({
  name: "paris",
  // @ts-expect-error: a port is a number
  listen: { port: "7331" },
  plugins: [authGuest(), fabricTree()],
});

defineConfig({
  name: "paris",
  // @ts-expect-error: no such key: "plugin"
  plugin: [],
  plugins: [authGuest(), fabricTree()],
});

// --- options -----------------------------------------------------------------------------------

// @ts-expect-error: a misspelt option
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), limitRate({ perSec: 1 })] });

// @ts-expect-error: an option of a wrong type
defineConfig({ name: "paris", plugins: [authGuest({ nicks: "guest" }), fabricTree()] });

// @ts-expect-error: options that are owed
defineConfig({ name: "paris", plugins: [authGuest(), fabricTree(), motd()] });
