import assert from "node:assert/strict";
import { test } from "node:test";

import {
  choices,
  DEFAULTS,
  delimiterLabel,
  hasDelimiter,
  hasEncoding,
  queryOf,
  regions,
} from "../../../public/js/imports/options.js";

const found = (format, encoding = "utf-8", delimiter = null) => ({ format, encoding, delimiter });

test("only what was chosen is asked for", () => {
  assert.deepEqual(queryOf(DEFAULTS, {}), {});
  assert.deepEqual(queryOf({ ...DEFAULTS, mode: "create", delimiter: "tab" }, {}), {
    mode: "create",
    delimiter: "tab",
  });
  assert.deepEqual(queryOf(DEFAULTS, { A: null, B: "emails" }), {
    mapping: '{"A":null,"B":"emails"}',
  });
});

test("an encoding can be chosen of texts, a delimiter of tables of text", () => {
  assert.ok(hasEncoding(null) && hasDelimiter(null), "before anything is recognised");
  assert.ok(
    hasEncoding(found("csv")) && hasDelimiter(found("csv")),
    "also of a table of one column",
  );
  assert.ok(hasDelimiter(found("google", "utf-16", ",")));
  assert.ok(hasEncoding(found("vcard")) && !hasDelimiter(found("vcard")));
  assert.ok(
    !hasEncoding(found("xlsx", null)) && !hasDelimiter(found("google", null)),
    "not of workbooks",
  );
});

test("the first choice is what was recognised", () => {
  assert.deepEqual(choices({ a: "A" }, "B"), [
    { value: "", label: "Recognised: B" },
    { value: "a", label: "A" },
  ]);
  assert.equal(choices({}, null)[0].label, "Recognise it");
  assert.equal(delimiterLabel("\t"), "Tab");
});

test("countries go by name, and are those that have phone numbers", () => {
  const all = regions("en");
  assert.deepEqual(
    all.filter(({ value }) => ["CH", "GB", "US"].includes(value)).map(({ label }) => label),
    ["Switzerland", "United Kingdom", "United States"],
  );
  const codes = all.map(({ value }) => value);
  for (const none of ["EU", "XA", "ZZ", "AQ"]) assert.ok(!codes.includes(none), none);
});
