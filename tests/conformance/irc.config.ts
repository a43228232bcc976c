// A server for the IRC conformance suite (docs/irc.md), as its controller wants it: everything that
// it may vary comes from the environment (CF_IRC_…).

import { allow, defineConfig, definePlugin } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import authSqlite from "chatfusion/plugins/auth-sqlite";
import fabricTree from "chatfusion/plugins/fabric-tree";
import gatewayIrc from "chatfusion/plugins/gateway-irc";
import logSqlite from "chatfusion/plugins/log-sqlite";

const given = (name: string): string => process.env[`CF_IRC_${name}`] ?? "";

/** The suite's operator, who is in no database: its account has the role by this plugin alone. */
const authOperator = definePlugin({
  name: "auth-operator",
  provides: ["auth"],
  setup: () => ({
    onAuth({ nick, credential }) {
      if (nick !== given("OPER_NAME") || credential.kind !== "password") return undefined;
      if (credential.password !== given("OPER_PASSWORD")) return undefined;
      return allow(nick, ["operator"]);
    },
  }),
});

export default defineConfig({
  name: "My.Little.Server",
  // The suite's people are guests, and expect the first one in a channel to run it.
  rooms: { guests: true },
  plugins: [
    authOperator(),
    authSqlite(),
    authGuest(),
    logSqlite(),
    fabricTree(),
    gatewayIrc({
      host: given("HOSTNAME"),
      port: Number(given("PORT")),
      tls: given("TLS") === "1",
      lobby: false,
      network: given("NETWORK"),
      description: given("DESC"),
      flood: false,
      motd: ["This is the text of the day."],
      admin: ["A conformance suite"],
      ...(given("PASSWORD") === "" ? {} : { password: given("PASSWORD") }),
    }),
  ],
});
