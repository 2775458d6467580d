import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changedSettings,
  formOf,
  SETTINGS,
  undoOf,
} from "../../../public/js/administration/settings.js";

const SAVED = {
  id: "default",
  name: "Default",
  region: "CH",
  max_tags: 100,
  clean_phones: false,
  duplicates: "allow",
  agents_edit: "all",
  min_app_version: null,
  conflict_days: 7,
};

test("a form that nobody touched has nothing to send", () => {
  assert.deepEqual(changedSettings(SAVED, formOf(SAVED)), {});
});

test("only what was changed is sent, in the server's own types", () => {
  const form = {
    ...formOf(SAVED),
    max_tags: " 20 ",
    clean_phones: true,
    duplicates: "warn",
    min_app_version: "2.4",
  };
  assert.deepEqual(changedSettings(SAVED, form), {
    max_tags: 20,
    clean_phones: true,
    duplicates: "warn",
    min_app_version: "2.4",
  });
});

test("an empty text takes an optional setting away, and what is no number goes to the server", () => {
  const saved = { ...SAVED, min_app_version: "2.4" };
  const form = { ...formOf(saved), min_app_version: " ", region: "", max_tags: "many" };
  assert.deepEqual(changedSettings(saved, form), {
    min_app_version: null,
    region: null,
    max_tags: "many",
  });
});

test("a country in small letters is the same country", () => {
  assert.deepEqual(changedSettings(SAVED, { ...formOf(SAVED), region: "ch" }), {});
});

test("an undo sends what stood before, of what was changed alone", () => {
  assert.deepEqual(undoOf(SAVED, { max_tags: 20, region: "US" }), { max_tags: 100, region: "CH" });
});

test("every setting says what it does", () => {
  for (const { name, help, options } of SETTINGS) {
    assert.ok(help ?? options?.every(({ what }) => what), name);
  }
});
