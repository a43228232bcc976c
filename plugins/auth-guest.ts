// Provides auth: lets people in without a password, as guests, under nicks that nobody owns. Those
// of a database are safe whatever the order of the plugins, since one denial denies.
//
//   plugins: [authSqlite(), authGuest(), …]
//   plugins: [authGuest({ nicks: /^guest/ }), …]

import { allow, definePlugin } from "chatfusion";
import * as v from "valibot";

const Options = v.optional(
  v.strictObject({
    /** The nicks that guests may use. Default: all. */
    nicks: v.optional(v.instance(RegExp)),
  }),
  {},
);

export default definePlugin({
  name: "auth-guest",
  options: Options,
  provides: ["auth"],
  setup({ options: { nicks } }) {
    return {
      onAuth({ nick, credential }) {
        if (credential.kind !== "none") return undefined;
        // `search`, unlike `test`, remembers nothing between two calls.
        return nicks === undefined || nick.search(nicks) !== -1 ? allow() : undefined;
      },
    };
  },
});
