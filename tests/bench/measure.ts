// One scenario, played to all subjects in turn, again and again: what is compared is next to each
// other in time.

import { generate } from "./generator.ts";
import type { Cores } from "./machine.ts";
import { Results } from "./results.ts";
import type { Pace, Scenario } from "./scenarios.ts";
import type { Running, Subject } from "./subjects.ts";

interface How {
  readonly pace: Omit<Pace, "idleClients" | "repetitions" | "repeatMsMax" | "msMax">;
  readonly repetitions: number;
  readonly cores: Cores;
  /** By `performance.now()`: after it no repetition is begun but the first. */
  readonly until: number;
}

/** Starts the subjects, plays, and stops them. What cannot be done is told in the results. */
export async function measure(
  scenario: Pick<Scenario, "servers" | "load">,
  subjects: readonly Subject[],
  { pace, repetitions, cores, until }: How,
): Promise<Results> {
  const results = new Results();
  const isFresh = wantsEmpty(scenario.load);
  const running = new Map<Subject, Running>();
  const stop = async (subject: Subject) => {
    await running.get(subject)?.stop();
    running.delete(subject);
  };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    if (repetition > 0 && performance.now() > until) break;
    for (const at of subjects.keys()) {
      // Whoever comes first finds the quieter or the busier machine: each time another one.
      const subject = subjects[(at + repetition) % subjects.length] as Subject; // within bounds
      try {
        if (subject.copy !== undefined) {
          results.add(subject.name, { kind: "copied", copied: await subject.copy(pace.fileBytes) });
          continue;
        }
        const servers = running.get(subject) ?? (await subject.start(scenario.servers));
        running.set(subject, servers);
        results.add(subject.name, await generate(scenario, subject, servers, pace, cores));
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        results.add(subject.name, { kind: "failed", why });
      }
      // A relay serves one connection.
      if (isFresh || subject.protocol === "raw") await stop(subject);
    }
  }
  for (const subject of subjects) await stop(subject);
  return results;
}

// --- internal ---

/** Whether a server is started for each run: memory is told from an empty one on, or rooms are. */
function wantsEmpty(load: Scenario["load"]): boolean {
  if (load.kind === "file") return load.stallMs !== undefined;
  return load.kind === "idle" || load.people !== undefined;
}
