/// <reference types="bun-types" />
// PUBLIC "chatfusion/testing": a whole fusion in one process, with virtual time, faults and a seed.

export { createSimulation, SIMULATED_PORT } from "./testing/simulation.ts";
export type {
  HeardLine,
  EnterOptions,
  SimPerson,
  SimServer,
  Simulation,
  SimulationOptions,
} from "./testing/simulation.ts";
export { play } from "./testing/script.ts";
export { createWorld } from "./testing/world.ts";
export type { LoggedEvent, World, WorldOptions } from "./testing/world.ts";
export type { CutKind } from "./testing/net.ts";
export type { Path } from "./testing/link.ts";
export { createRandom } from "./testing/random.ts";
export type { SeededRandom } from "./testing/random.ts";
export type { DiskBackup, SimDisk } from "./testing/store.ts";
export { testAuth } from "./testing/auth-suite.ts";
export type { AuthSubject, TestAccount } from "./testing/auth-suite.ts";
export { fabricCases, testFabric } from "./testing/fabric-suite.ts";
export type { FabricAbilities, FabricCase, FabricSubject } from "./testing/fabric-suite.ts";
export { logStore } from "./testing/log-store.ts";
export { testBatch, testStream } from "./testing/history-stage.ts";
export { testHistory } from "./testing/history-suite.ts";
export { createManualClock, createMemoryStore, setUp } from "./testing/context.ts";
export type { LoggedLine, ManualClock, SetUp, SetUpOptions } from "./testing/context.ts";
export { startServer } from "./testing/server.ts";
export type { StartOptions, TestServer } from "./testing/server.ts";
