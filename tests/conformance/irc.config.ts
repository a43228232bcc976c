// A server for the IRC conformance suite (docs/irc.md), as its controller wants it: everything that
// it may vary comes from the environment (CF_IRC_…).

import { allow, defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import authSqlite from "chatfusion/plugins/auth-sqlite";
import fabricTree from "chatfusion/plugins/fabric-tree";
import gatewayIrc from "chatfusion/plugins/gateway-irc";
import logSqlite from "chatfusion/plugins/log-sqlite";

const given = (name: string): string => process.env[`CF_IRC_${name}`] ?? "";

const accounts = authSqlite({
  scramIterations: 4096,
  registration: given("REG_EMAIL") !== "1", // which asks for a server that sends mails
});

/** The database of accounts, and the suite's operator, who is not in it. */
const auth: typeof accounts = {
  ...accounts,
  setup(context) {
    const parts = accounts.setup(context);
    return {
      ...parts,
      onAuth(request) {
        const { nick, credential } = request;
        const isOperator =
          nick === given("OPER_NAME") &&
          credential.kind === "password" &&
          credential.password === given("OPER_PASSWORD");
        return isOperator ? allow(nick, ["operator"]) : parts.onAuth?.(request);
      },
    };
  },
};

export default defineConfig({
  name: "My.Little.Server",
  // The suite's people are guests, and expect the first one in a channel to run it.
  rooms: { guests: true },
  plugins: [
    auth,
    authGuest(),
    logSqlite({ conversations: true }),
    fabricTree(),
    gatewayIrc({
      host: given("HOSTNAME"),
      port: Number(given("PORT")),
      tls: given("TLS") === "1",
      ...(given("WSPORT") === ""
        ? {}
        : { webSocket: { host: given("WSHOST"), port: Number(given("WSPORT")), tls: false } }),
      lobby: false,
      network: given("NETWORK"),
      description: given("DESC"),
      // It looks at what a JOIN says, and at nothing behind it.
      backlog: 0,
      flood: false,
      registerEarly: given("REG_BEFORE_CONNECT") === "1",
      motd: ["This is the text of the day."],
      admin: ["A conformance suite"],
      ...(given("PASSWORD") === "" ? {} : { password: given("PASSWORD") }),
    }),
  ],
});
