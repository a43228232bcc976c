// The bot's reminders, in a file: a new one is there before it is promised, and gone when it has
// been told. One whose telling fails is told again some times, under the same id: a server that
// has it already takes it for the same message.

import { randomUUID } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** Below what a timer can wait (2^31 ms, 24 days). */
const daysMax = 20;
const perPersonMax = 10;
const remindersMax = 1000;
const textLengthMax = 500;
const triesMax = 10;
const againMs = 60_000;

export interface Reminder {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Who wanted to be reminded. */
  readonly from: string;
  /** A room, or the person. */
  readonly to: string;
  readonly text: string;
}

export interface RemindersOptions {
  readonly file: string;
  /** Tells one; rejects where that failed. */
  readonly remind: (reminder: Reminder) => Promise<unknown>;
  readonly log: (line: string) => void;
}

/** Reads the file; what was missed is told at once. Rejects where the file is no such file. */
export async function createReminders({ file, remind, log }: RemindersOptions) {
  const reminders = new Map((await load(file)).map((one) => [one.id, one]));
  const timers = new Map<string, Timer>();
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  const save = (): Promise<void> => {
    const saved = last.then(() => write(file, [...reminders.values()]));
    last = saved.catch(() => undefined); // whoever waits for it is told
    return saved;
  };
  const forget = async (id: string) => {
    timers.delete(id);
    reminders.delete(id);
    await save();
  };
  const tell = async (reminder: Reminder, tries: number): Promise<void> => {
    try {
      await remind(reminder);
    } catch (thrown) {
      log(`reminder of ${reminder.from}: ${String(thrown)}`);
      if (tries < triesMax) return wait(reminder, againMs, tries + 1);
    }
    await forget(reminder.id);
  };
  const wait = (reminder: Reminder, ms: number, tries = 1): void => {
    if (closed) return;
    const run = () => {
      tell(reminder, tries).catch((thrown: unknown) => log(`${file}: ${String(thrown)}`));
    };
    timers.set(reminder.id, setTimeout(run, Math.max(0, ms)));
  };
  for (const one of reminders.values()) wait(one, one.at - Date.now());

  return {
    /** Takes "10m TEXT"; answers what was promised, or what is wrong. */
    async add({ from, to }: { from: string; to: string }, line: string): Promise<string> {
      const [, count, unit = "", text = ""] = /^(\d{1,6})([smhd])\s+(.+)$/s.exec(line) ?? [];
      const ms = Number(count) * (unitMs[unit] ?? Number.NaN);
      if (!(ms >= 1000 && ms <= daysMax * 86_400_000) || text.length > textLengthMax)
        return `!remind 10m TEXT: expected 1s to ${daysMax}d, and up to ${textLengthMax} letters`;
      const own = [...reminders.values()].filter((one) => one.from === from).length;
      if (own >= perPersonMax || reminders.size >= remindersMax)
        return `you have ${own} reminders; expected up to ${perPersonMax} of one person`;
      const reminder = { id: randomUUID(), at: Date.now() + ms, from, to, text };
      reminders.set(reminder.id, reminder);
      try {
        await save();
      } catch (thrown) {
        reminders.delete(reminder.id);
        throw thrown;
      }
      wait(reminder, ms);
      return `I remind you in ${count}${unit}`;
    },
    /** No more are told; they wait in the file for the next start. */
    close(): void {
      closed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

// --- internal ---

async function load(file: string): Promise<readonly Reminder[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return [];
    throw thrown;
  }
  const parsed: unknown = JSON.parse(text);
  if (Array.isArray(parsed) && parsed.every(isReminder)) return parsed;
  throw new Error(`${file}: expected a list of reminders`);
}

function isReminder(one: unknown): one is Reminder {
  const { id, at, from, to, text } = Object(one) as Partial<Reminder>; // each is checked here
  return typeof at === "number" && [id, from, to, text].every((word) => typeof word === "string");
}

/** Beside its place, synced, and then into it: there is the old file or the new one. */
async function write(file: string, reminders: readonly Reminder[]): Promise<void> {
  const handle = await open(`${file}.new`, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify(reminders, undefined, 2));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
