// For benchmarks: no log, no limits of rate; everybody is a guest. See docs/performance.md.
import { defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";

export default defineConfig({ name: "bench", plugins: [authGuest(), fabricTree()] });
