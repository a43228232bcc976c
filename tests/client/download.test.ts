// A file on its way to the disk: what is given up leaves nothing behind.

import { expect, test } from "bun:test";
import { closeSync } from "node:fs";
import { readdir, readlink, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { openDownload } from "../../src/client/download.ts";
import { LIMITS } from "../../src/limits.ts";
import { bytesOf, makeFolder } from "./files.ts";

/** The descriptor by which this process has a file of this folder open. */
async function descriptorIn(folder: string): Promise<number> {
  for (const fd of await readdir("/proc/self/fd")) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => "");
    if (target.startsWith(folder)) return Number(fd);
  }
  throw new Error(`nothing of ${folder} is open`);
}

test("what is discarded is removed", async () => {
  const folder = await makeFolder();
  const download = await openDownload({ folder, name: "a.txt", size: 1000 });
  await download.write(bytesOf(1000));
  expect(await readdir(folder)).toHaveLength(1);
  await download.discard();
  expect(await readdir(folder)).toEqual([]);
});

test.if(process.platform === "linux")(
  "what is discarded is removed also where its disk is gone and it cannot be closed",
  async () => {
    const folder = await makeFolder();
    const download = await openDownload({ folder, name: "a.txt", size: 1000 });
    await download.write(bytesOf(1000));
    closeSync(await descriptorIn(folder)); // closing it once more fails as on a disk that is gone
    const refused = await download.discard().catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: "FILE_UNWRITABLE" });
    expect(await readdir(folder)).toEqual([]);
  },
);

test("what a killed program has left is removed a day later, and nothing else", async () => {
  const folder = await makeFolder();
  const uuid = "0b0f4a5e-0000-4000-8000-00000000000";
  const part = (digit: number) => `.chatfusion-${uuid}${digit}.part`;
  const old = (Date.now() - LIMITS.partKeptMsMax) / 1000 - 60;
  for (const name of [part(1), part(2), "a.part", ".chatfusion-notes.part"])
    await Bun.write(join(folder, name), "half");
  for (const name of [part(1), "a.part", ".chatfusion-notes.part"])
    await utimes(join(folder, name), old, old);
  await symlink("elsewhere", join(folder, part(3)));
  const download = await openDownload({ folder, name: "b.txt", size: 1 });
  await download.discard();
  const left = [part(2), part(3), "a.part", ".chatfusion-notes.part"];
  expect((await readdir(folder)).toSorted()).toEqual(left.toSorted());
});

test.if(process.platform === "linux")(
  "a file system that does not know its size is not taken for one without room",
  async () => {
    // This one takes no files of ours, either; but that is another reason.
    const opened = openDownload({ folder: "/proc", name: "a", size: 1 });
    const refused = await opened.catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: "FILE_UNWRITABLE" });
    expect(String(refused)).not.toContain("room");
  },
);
