// Acted scripts: what an operator and a user would see of a fusion, in the words of design §2.

import { describe, expect, test } from "bun:test";
import { definePlugin } from "../../src/plugin.ts";
import { createSimulation, play } from "../../src/testing.ts";

const SEEDS = [1, 2, 3];

/** What people of merged servers … */
const scripts: Readonly<Record<string, string>> = {
  "hear each other, whoever was merged with whom": `
    amiens, brest, caen, dijon start
    ann@amiens enters
    ben@brest enters
    cat@caen enters
    dan@dijon enters
    amiens merges brest
    caen merges dijon
    ann@amiens says: only we two
    ben@brest hears: only we two
    brest merges dijon
    amiens sees amiens, brest, caen, dijon
    caen sees amiens, brest, caen, dijon
    ann@amiens says: hello
    ben@brest hears: hello
    cat@caen hears from ann@amiens: hello
    dan@dijon hears: hello
    dan@dijon tells ann@amiens: psst
    ann@amiens is told: psst
    ben@brest hears nothing
    `,

  "are in one place after merges at one instant, from both sides and in a ring": `
    paris, lyon, rome start
    ann@paris enters
    ben@lyon enters
    cat@rome enters
    at once: paris merges lyon; lyon merges paris; lyon merges rome; rome merges paris
    paris sees lyon, paris, rome
    lyon sees lyon, paris, rome
    rome sees lyon, paris, rome
    cat@rome says: hello
    ann@paris hears: hello
    ben@lyon hears: hello
    ann@paris hears nothing
    `,

  "go on in two halves behind a cut, and hear late what the others said": `
    paris, lyon start
    ann@paris enters
    ben@lyon enters
    paris merges lyon
    paris and lyon are cut
    paris sees paris
    lyon sees lyon
    ann@paris says: anybody there?
    ann@paris says: no
    ben@lyon says: it is quiet
    ben@lyon hears nothing
    paris and lyon are healed
    paris sees lyon, paris
    ben@lyon hears late: anybody there?
    ben@lyon hears late: no
    ann@paris hears late: it is quiet
    ann@paris says: welcome back
    ben@lyon hears: welcome back
    `,

  "notice nothing when a ring loses a link": `
    paris, lyon, rome start
    ann@paris enters
    ben@lyon enters
    paris merges lyon
    lyon merges rome
    rome merges paris
    paris and lyon are cut
    10 seconds pass
    ann@paris says: hello
    ben@lyon hears: hello
    paris sees lyon, paris, rome
    `,

  "stay where they are when two servers of one name would meet": `
    paris, lyon start
    hamlet starts as paris
    ann@paris enters
    ben@lyon enters
    cat@hamlet enters
    paris merges lyon
    lyon cannot merge hamlet: NAME_TAKEN
    hamlet cannot merge lyon: NAME_TAKEN
    lyon reads: NAME_TAKEN
    ann@paris says: hello
    ben@lyon hears: hello
    cat@hamlet hears nothing
    `,

  "are parted exactly by an unmerge, and joined again by a merge": `
    paris, lyon, rome, oslo start
    ann@paris enters
    dan@oslo enters
    paris merges lyon
    lyon merges rome
    rome merges oslo
    lyon unmerges rome
    paris sees lyon, paris
    oslo sees oslo, rome
    120 seconds pass
    paris sees lyon, paris
    ann@paris says: we are two
    dan@oslo hears nothing
    rome merges lyon
    dan@oslo hears late: we are two
    dan@oslo says: and now four
    ann@paris hears: and now four
    `,

  "keep their server's place in the fusion over a crash, noticed or not": `
    paris, lyon, rome start
    ann@paris enters
    cat@rome enters
    paris merges lyon
    lyon merges rome
    lyon crashes silently
    60 seconds pass
    paris sees paris
    lyon starts
    paris sees lyon, paris, rome
    ann@paris says: hello
    cat@rome hears: hello
    lyon crashes
    paris sees paris
    lyon starts
    cat@rome says: again
    `,
};

describe("people of merged servers", () => {
  // Under several seeds: it holds whatever the delays are.
  test.each(Object.entries(scripts))("%s", (_title, script) => {
    for (const seed of SEEDS) {
      const simulation = createSimulation({ seed });
      play(simulation, script);
      expect(simulation.world.logged.filter(({ level }) => level === "error")).toEqual([]);
    }
  });
});

describe("a script that goes wrong", () => {
  const failing = (script: string) => () => play(createSimulation({ seed: 1 }), script);

  test("names the line, what was expected and what was heard", () => {
    const script = "paris starts\nann@paris enters\nben@paris enters\nann@paris says: hi\n";
    expect(failing(`${script}ben@paris hears: hello`)).toThrow(
      /^line 5, "ben@paris hears: hello": expected {"text":"hello"}, heard {"from":"ann@paris"/,
    );
    expect(failing(`${script}ben@paris hears nothing`)).toThrow(/line 5.*heard {/);
    expect(failing(`${script}ann@paris hears: hi`)).toThrow(/line 5.*nothing more was heard/);
  });

  test("tells the seed, and which fault of a plugin was logged", () => {
    const setup = () => ({
      onMessage() {
        throw new Error("a bug of mine");
      },
    });
    const buggy = definePlugin({ name: "buggy", setup });
    const simulation = createSimulation({ seed: 7, plugins: [buggy()] });
    const script = "paris starts\nann@paris enters\nann@paris says: hi";
    expect(() => play(simulation, script)).toThrow(
      /^line 3.*buggy failed.*\nlogged by paris:.*buggy.*a bug of mine.* at onMessage.*\nseed 7$/,
    );
  });

  test("says what it does not understand, and whom it does not know", () => {
    expect(failing("\n# a comment\n\nparis dances")).toThrow(/^line 4, "paris dances": no such/);
    expect(failing("paris dances")).toThrow("PERSON says in ROOM: TEXT\n");
    expect(failing("zoe@paris says: hi")).toThrow(
      "nobody has entered as zoe@paris; there are: none",
    );
    const three = "paris, lyon start\nparis, lyon merge\nann@paris, ben@lyon enter\n";
    expect(failing(`${three}zoe@paris says: hi`)).toThrow("there are: ann@paris, ben@lyon");
    expect(failing(`${three}oslo stops`)).toThrow(
      "no server of this simulation; there are: paris, lyon",
    );
    expect(failing(`${three}paris, oslo merge`)).toThrow(
      'line 4, "paris, oslo merge": oslo: no server',
    );
    const again = `${three}ann@paris says: a\nben@lyon hears: a\nben@lyon hears: b`;
    expect(failing(again)).toThrow(
      'line 6, "ben@lyon hears: b": nothing more was heard; the last were: a',
    );
    expect(failing("paris starts\nparis merges lyon")).toThrow(/refused with CANNOT_CONNECT/);
    expect(failing("paris, lyon start\nparis sees lyon, paris")).toThrow("it sees paris");
  });
});
