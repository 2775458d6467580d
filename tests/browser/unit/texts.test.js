import assert from "node:assert/strict";
import { test } from "node:test";
import { sentence } from "../../../public/js/core/texts.js";

test("a name does not turn the rest of a sentence round", () => {
  assert.equal(sentence("“Ann\u202eeel” is deleted."), "“Anneel” is deleted.");
  assert.equal(sentence("“\u2067שלום\u2069” is deleted."), "“שלום” is deleted.");
});
