// A ChatFusion server, as it is run by `bunx chatfusion serve` in this folder. Every line that is
// commented out shows a choice; `bunx chatfusion check` says whether the file is right, and in
// which order the plugins are asked. The environment (CHATFUSION_NAME, CHATFUSION_LISTEN_HOST,
// CHATFUSION_LISTEN_PORT, CHATFUSION_DATA) and flags (--name …) win over what stands here.

import { defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import authSqlite from "chatfusion/plugins/auth-sqlite";
import fabricTree from "chatfusion/plugins/fabric-tree";
import limitRate from "chatfusion/plugins/limit-rate";
import logSqlite from "chatfusion/plugins/log-sqlite";

export default defineConfig({
  // People are nick@NAME. Fixed while the server runs; servers that merge have different names.
  name: "paris",

  // Without it: this machine alone, on any free port. Other addresses are reached by TLS, with a
  // certificate that is made at the first start.
  // listen: { host: "0.0.0.0", port: 7331 },

  // Keys, accounts and the log; for this server alone. Default: data/NAME beside this file.
  // data: "/var/lib/chatfusion/paris",

  // What other servers said before a merge is taken from the merge on: so many messages of each.
  // history: { onMerge: 50 },

  // The first one in an empty room runs it, also without an account, as long as somebody is there.
  // rooms: { guests: true },

  // Their order is the order in which their hooks are asked.
  plugins: [
    // Who may enter: those with a password (`bunx chatfusion user add NICK`) …
    authSqlite(),
    // … and everybody else, with a nick that is nobody's. Take it out, and only accounts enter.
    authGuest(),

    // How much one person may say.
    limitRate(),

    // What is kept of rooms; without it, only the latest messages, in memory.
    logSqlite(),

    // How servers merge. Exactly one fabric is needed.
    fabricTree(),
  ],
});
