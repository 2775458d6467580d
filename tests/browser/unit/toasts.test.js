import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

// What lit-html asks for as it is read, and whether the page is seen.
globalThis.document = { hidden: false, createTreeWalker: () => null };
const { Toasts } = await import("../../../public/js/app/toasts.js");

let toasts;
let ended;

/** Shows one from whose end something follows: its text, and whether it can have been read. */
const tell = (text, seconds = 30) =>
  toasts.show(text, { seconds, patient: true, ended: (isRead) => ended.push([text, isRead]) });
const texts = () => toasts.shown.map(({ text }) => text);

beforeEach(() => {
  document.hidden = false;
  toasts = new Toasts();
  ended = [];
});

test("of many messages the latest are shown", async () => {
  for (const text of ["One.", "Two.", "Three.", "Four.", "Five."]) toasts.show(text);
  assert.deepEqual(texts(), ["Two.", "Three.", "Four.", "Five."]);
  await toasts.clear();
});

test("a message that is to be read is not pushed out by others", async () => {
  tell("Refused.");
  for (const text of ["One.", "Two.", "Three.", "Four."]) toasts.show(text);
  assert.deepEqual(texts(), ["Refused.", "Two.", "Three.", "Four."]);
  assert.deepEqual(ended, []);
  await toasts.clear();
});

test("of more than there is room for each has its turn, and others are shown at once", async () => {
  for (const text of ["One.", "Two.", "Three.", "Four."]) tell(text);
  tell("Five.", 0.01);
  await pause(30);
  assert.deepEqual(texts(), ["One.", "Two.", "Three.", "Four."]);
  toasts.show("Saved.");
  toasts.show("Saved again.");
  assert.deepEqual(texts(), ["One.", "Two.", "Three.", "Four.", "Saved again."]);
  toasts.end(toasts.shown[4]);
  toasts.end(toasts.shown[0]);
  assert.deepEqual(texts(), ["Two.", "Three.", "Four.", "Five."]);
  await pause(30);
  assert.deepEqual(ended, [
    ["One.", true],
    ["Five.", true],
  ]);
  await toasts.clear();
});

test("a message that ends while nobody sees the page is not read", async () => {
  tell("Unseen.", 0.01);
  document.hidden = true;
  await pause(30);
  assert.deepEqual(ended, [["Unseen.", false]]);
});

test("all end as one signs out, and those that had no turn are not read", async () => {
  for (const text of ["One.", "Two.", "Three.", "Four.", "Five."]) tell(text);
  await toasts.clear();
  assert.deepEqual(texts(), []);
  assert.deepEqual(
    ended.map(([, isRead]) => isRead),
    [true, true, true, true, false],
  );
});
