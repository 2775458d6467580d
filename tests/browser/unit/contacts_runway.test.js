import assert from "node:assert/strict";
import { test } from "node:test";

import { Runway } from "../../../public/js/contacts/runway.js";

const runway = (...sizes) => {
  const made = new Runway();
  made.measure(...sizes);
  return made;
};

/** As an element that is scrolled: whole pixels, and no further than its end. */
const scroller = (end) => {
  let at = 0;
  return {
    get scrollTop() {
      return at;
    },
    set scrollTop(given) {
      at = Math.max(0, Math.min(end, Math.round(given)));
    },
  };
};

test("as long as the body is as high as its rows, a pixel is a pixel", () => {
  const plain = runway(4_000, 4_000, 700);
  assert.equal(plain.shortened, false);
  assert.equal(plain.distance(1_234.5), 1_234.5);
  assert.equal(plain.ahead(1_234.5), 0);
  const element = scroller(3_300);
  plain.scroll(element, 1_000);
  assert.equal(element.scrollTop, 1_000);
});

test("in a shortened body both ends are where they are in the list", () => {
  const short = runway(40_000_000, 16_000_000, 700);
  assert.equal(short.shortened, true);
  assert.equal(short.distance(0), 0);
  assert.equal(Math.round(short.distance(15_999_300)), 39_999_300);
  assert.equal(Math.round(short.distance(7_999_650)), 19_999_650);
});

test("a row that is scrolled to is met to the pixel, though the scroller has only whole ones", () => {
  const short = runway(40_000_000, 16_000_000, 700);
  const element = scroller(15_999_300);
  for (const row of [1, 2, 3, 777_777]) {
    short.scroll(element, row * 40);
    assert.equal(short.distance(element.scrollTop), row * 40);
    assert.equal(element.scrollTop + short.ahead(element.scrollTop), row * 40);
  }
  short.scroll(element, 41_000_000);
  assert.equal(short.distance(element.scrollTop), 39_999_300);
});

test("one that scrolls by hand goes on from there", () => {
  const short = runway(40_000_000, 16_000_000, 700);
  const element = scroller(15_999_300);
  short.scroll(element, 4_000);
  const before = short.distance(element.scrollTop);
  element.scrollTop += 100;
  const moved = short.distance(element.scrollTop) - before;
  assert.ok(moved > 200 && moved < 300, String(moved));
});

test("a list that becomes shorter has its own pixels again", () => {
  const short = runway(40_000_000, 16_000_000, 700);
  short.scroll(scroller(15_999_300), 4_000);
  short.measure(8_000, 8_000, 700);
  assert.equal(short.shortened, false);
  assert.equal(short.distance(1_600), 1_600);
});

test("a list that is seen wholly does not move", () => {
  const whole = runway(200, 200, 700);
  const element = scroller(0);
  whole.scroll(element, 100);
  assert.equal(whole.distance(element.scrollTop), 0);
});
