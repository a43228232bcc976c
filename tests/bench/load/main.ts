// The load generator: a process of its own, so that what it uses is not counted as the server's.
// Started by ../generator.ts with a job as its argument; prints the answer as one line.

import { playFile } from "./files.ts";
import { idle } from "./idle.ts";
import { irc } from "./irc.ts";
import type { Answer, Job } from "./job.ts";
import { native } from "./native.ts";
import { nats } from "./nats.ts";
import { Run } from "./run.ts";

const PROTOCOLS = { native, irc, nats };

const [, , words] = process.argv;
if (words === undefined) {
  console.error("expected a job as the argument: this is started by `bun run bench`");
  // oxlint-disable-next-line unicorn/no-process-exit -- a program's first words, nothing is open
  process.exit(2);
}
const job = JSON.parse(words) as Job; // ../generator.ts has written it

async function play(): Promise<Answer> {
  const { load } = job;
  try {
    if (load.kind === "file") return { kind: "filed", filed: await playFile(job, load) };
    if (job.protocol === "raw") throw new Error("a relay takes files only");
    const protocol = PROTOCOLS[job.protocol];
    if (load.kind === "idle") return { kind: "idled", idled: await idle(job, load, protocol) };
    return { kind: "talked", talked: await new Run(job, load, protocol).play() };
  } catch (thrown) {
    return { kind: "failed", why: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

console.log(JSON.stringify(await play()));
// Sockets of a run that has failed may still be open.
// oxlint-disable-next-line unicorn/no-process-exit -- the answer is all that is wanted of it
process.exit(0);
