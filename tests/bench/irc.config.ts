// For benchmarks: as bare.config.ts, with a door for IRC clients, who bring no brakes of their own.
import { defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";
import gatewayIrc from "chatfusion/plugins/gateway-irc";

export default defineConfig({
  name: "bench",
  plugins: [
    authGuest(),
    fabricTree(),
    gatewayIrc({ port: Number(process.env["BENCH_IRC_PORT"] ?? 0), lobby: false, flood: false }),
  ],
});
