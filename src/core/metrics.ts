// Counters and gauges, of the core and of plugins, by their full names. Read by `status` and,
// later, by an exporter.

import type { Log } from "../environment.ts";
import { stackOf } from "../errors.ts";
import type { Metrics as PluginMetrics } from "../plugin/context.ts";

export interface Metrics {
  /** The metrics of one plugin: its names are prefixed with the plugin's. */
  of(plugin: string): PluginMetrics;
  /** All values now, by name. */
  read(): Readonly<Record<string, number>>;
}

export function createMetrics(log: Log): Metrics {
  const counters = new Map<string, { value: number }>();
  const gauges = new Map<string, () => number>();
  /** A plugin's word: where it throws, the others are told all the same. */
  const valueOf = (name: string, read: () => number): number | undefined => {
    try {
      return read();
    } catch (thrown) {
      log.error("gauge failed", { gauge: name, error: stackOf(thrown) });
      return undefined;
    }
  };
  return {
    of: (plugin) => ({
      counter(name) {
        const counter = { value: 0 };
        counters.set(`${plugin}.${name}`, counter);
        return (n = 1) => {
          counter.value += n;
        };
      },
      gauge(name, _help, read) {
        gauges.set(`${plugin}.${name}`, read);
      },
    }),
    read: () =>
      Object.fromEntries([
        ...[...counters].map(([name, { value }]) => [name, value] as const),
        ...[...gauges].flatMap(([name, read]) => {
          const value = valueOf(name, read);
          return value === undefined ? [] : [[name, value] as const];
        }),
      ]),
  };
}
