// The pictures of docs/performance.md are well-formed, whatever the figures.

import { expect, test } from "bun:test";
import { chart } from "./chart.ts";

const point = (x: number, median: number) => ({ x, median, min: median / 2, max: median * 2 });
const drawn = (...points: readonly (readonly [x: number, y: number])[]) =>
  chart({
    title: "A <title> & more",
    description: "what it shows",
    x: "members",
    y: "µs",
    series: [
      { name: "bare", points: points.map(([x, y]) => point(x, y)) },
      { name: "default", points: points.map(([x, y]) => point(x, y * 3)) },
    ],
  });

/** All coordinates of circles and paths. */
const numbers = (svg: string) =>
  Array.from(svg.matchAll(/(?:c[xy]="|[ML ]|V|H)(-?\d[\d.]*)/g), ([, text]) => Number(text));

test("every tag is closed, and texts are escaped", () => {
  const svg = drawn([10, 1], [100, 0.5], [10_000, 0.3]);
  const open: string[] = [];
  for (const [, end, name = "", alone] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (end === "/") expect(open.pop()).toBe(name);
    else if (alone !== "/") open.push(name);
  }
  expect(open).toEqual([]);
  expect(svg).toContain("<title>A &lt;title&gt; &amp; more</title>");
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test("all points are within the picture, and a power of ten has its label", () => {
  const svg = drawn([1, 0.02], [1000, 300]);
  for (const number of numbers(svg)) {
    expect(number).toBeGreaterThanOrEqual(0);
    expect(number).toBeLessThanOrEqual(720);
  }
  for (const text of [">1<", ">1,000<", ">0.1<", ">100<"]) expect(svg).toContain(text);
});

test("one point alone can be drawn", () => {
  expect(drawn([100, 1])).not.toMatch(/NaN|undefined|Infinity/);
});

test("a colour is there for light and for dark pages", () => {
  expect(drawn([1, 1], [2, 2]).match(/\.s1 \{/g)).toHaveLength(2);
});
