// For benchmarks: as bare.config.ts, with every message in the log before it is acknowledged.
import { defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";
import logSqlite from "chatfusion/plugins/log-sqlite";

export default defineConfig({ name: "bench", plugins: [authGuest(), logSqlite(), fabricTree()] });
