// For benchmarks of rooms: as irc.config.ts, and everybody who gives a password has an account.
import { allow, defineConfig, definePlugin } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";
import gatewayIrc from "chatfusion/plugins/gateway-irc";

/**
 * The password is the account's name: one account may be there with many nicks. Of those who never
 * come some have roles, which only accounts have.
 */
const authAnybody = definePlugin({
  name: "auth-anybody",
  provides: ["auth"],
  setup: () => ({
    accountOf: (nick) => (nick.startsWith("vox") ? nick : undefined),
    onAuth: ({ credential }) =>
      credential.kind === "password" ? allow(credential.password) : undefined,
  }),
});

export default defineConfig({
  name: "bench",
  plugins: [
    authAnybody(),
    authGuest(),
    fabricTree(),
    gatewayIrc({ port: Number(process.env["BENCH_IRC_PORT"] ?? 0), lobby: false, flood: false }),
  ],
});
