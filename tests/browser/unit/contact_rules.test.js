import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBirthday, readBirthday } from "../../../public/js/contact/birthday.js";
import { formOf, newItem } from "../../../public/js/contact/form.js";
import { mailHref, phoneHref, websiteHref } from "../../../public/js/contact/links.js";
import { emailFault, faultsOf, NOBODY, placedFaults } from "../../../public/js/contact/rules.js";

const form = (contact) => formOf({ first_name: "Mia", ...contact });

test("a contact needs a name, a company, an e-mail or a phone", () => {
  for (const contact of [
    { first_name: "A" },
    { last_name: "A" },
    { company: "A" },
    { emails: [{ value: "a@example.com" }] },
    { phones: [{ value: "1" }] },
  ]) {
    assert.equal(faultsOf(formOf(contact)).size, 0);
  }
  for (const contact of [{ notes: "x" }, { phones: [{ label: "work" }] }, { first_name: " \n" }]) {
    assert.equal(faultsOf(formOf(contact)).get("identity"), NOBODY);
  }
});

test("e-mail addresses look like one, with a name or mailto: before them if need be", () => {
  for (const text of [
    "",
    "ann@example.com",
    "ANN.o'lee+x@sub.example.co.uk",
    "Ann <ann@example.com>",
    "mailto:ann@example.com?subject=x",
    "jürgen@bücher.example",
  ]) {
    assert.equal(emailFault(text), undefined, text);
  }
  for (const text of [
    "ann",
    "ann@",
    "@example.com",
    "ann@example",
    "a b@example.com",
    "a@b@c.com",
    "a@.com",
  ]) {
    assert.ok(emailFault(text), text);
  }
});

test("lengths are counted by characters, as the server does", () => {
  assert.equal(faultsOf(form({ company: "é".repeat(500) })).size, 0);
  assert.equal(faultsOf(form({ company: "🙂".repeat(500) })).size, 0);
  assert.deepEqual(
    [...faultsOf(form({ company: "x".repeat(501), notes: "x".repeat(20_001) }))],
    [
      ["company", "This is longer than 500 characters."],
      ["notes", "This is longer than 20,000 characters."],
    ],
  );
  const many = Array.from({ length: 51 }, (_, at) => ({ value: `a${at}@example.com` }));
  assert.match(faultsOf(form({ emails: many })).get("emails"), /At most 50/);
});

test("a contact is at most as large as the server takes", () => {
  const custom = (size) =>
    Object.fromEntries(Array.from({ length: size }, (_, at) => [`f${at}`, "é".repeat(2_500)]));
  assert.equal(faultsOf(form({ custom: custom(12) })).size, 0);
  assert.match(faultsOf(form({ custom: custom(14) })).get("whole"), /64 kB/);
  const ids = Array.from({ length: 501 }, (_, at) => `tag-${at}`);
  assert.match(faultsOf(form({ tag_ids: ids })).get("tag_ids"), /At most 500/);
});

test("custom fields have names, each once, and values of their kind", () => {
  const filled = form({ custom: { size: "L" } });
  const row = { key: "k", name: "", kind: "text", value: "" };
  filled.custom.push(
    { ...row },
    { ...row, value: "x" },
    { ...row, name: "size", value: "M" },
    { ...row, name: "n", kind: "number", value: "twelve" },
    { ...row, name: "big", kind: "number", value: "9007199254740993" },
    { ...row, name: "x".repeat(101), value: "y" },
  );
  const faults = faultsOf(filled);
  assert.deepEqual(
    [...faults.keys()],
    ["custom.2.name", "custom.3.name", "custom.4.value", "custom.5.value", "custom.6.name"],
  );
});

test("birthdays are days that exist, with a year or without", () => {
  const read = (text) => readBirthday(text).value;
  assert.equal(read(" 1985-4-12 "), "1985-04-12");
  assert.equal(read("12.4.1985"), "1985-04-12");
  assert.equal(read("--04-12"), "--04-12");
  assert.equal(read("12.4."), "--04-12");
  assert.equal(read("--02-29"), "--02-29");
  assert.equal(read("2024-02-29"), "2024-02-29");
  assert.equal(read(""), null);
  assert.equal(readBirthday("2026-02-29").error, "There is no such day.");
  assert.equal(readBirthday("0000-01-01").error, "There is no such day.");
  assert.ok(readBirthday("April").error);
  assert.equal(formatBirthday("--04-12", "en-GB"), "12 April");
  assert.equal(formatBirthday("0085-04-12", "en-GB"), "12 April 85");
  assert.equal(formatBirthday("some day", "en-GB"), "some day");
});

test("the server's words find their field, though empty items were not sent", () => {
  const filled = form({ emails: [{ value: "a@example.com" }], custom: { "a.b": "x" } });
  filled.emails.unshift(newItem("emails"));
  const placed = placedFaults(
    {
      "changes.emails.0.value": ["No.", "Never."],
      "contact.first_name": ["Missing."],
      "changes.custom.a.b": ["Too long."],
      "changes.custom": ["Too many."],
    },
    filled,
  );
  assert.deepEqual(
    [...placed],
    [
      ["emails.1.value", "No. Never."],
      ["first_name", "Missing."],
      ["custom.0.value", "Too long."],
      ["custom", "Too many."],
    ],
  );
});

test("a website is a link by http and https alone", () => {
  assert.equal(websiteHref("https://example.com/a?b"), "https://example.com/a?b");
  assert.equal(websiteHref("HTTP://example.com"), "http://example.com/");
  assert.equal(websiteHref("example.com/path"), "https://example.com/path");
  assert.equal(websiteHref("bücher.example"), "https://xn--bcher-kva.example/");
  for (const text of [
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "javascript:alert(1)//.example.com",
    "https://user:pass@example.com",
    "https://",
    "not a site",
    "x",
    "",
    null,
  ]) {
    assert.equal(websiteHref(text), null, String(text));
  }
});

test("mails and calls are links that add nothing", () => {
  assert.equal(mailHref("ann@example.com"), "mailto:ann@example.com");
  assert.equal(
    mailHref("a?cc=b@x.com&body=@example.com"),
    "mailto:a%3Fcc%3Db%40x.com%26body%3D@example.com",
  );
  assert.equal(mailHref("no address"), null);
  assert.equal(phoneHref({ value: "0151 / 12", e164: "+4915112" }), "tel:+4915112");
  assert.equal(phoneHref({ value: "*100#" }), "tel:*100%23");
  assert.equal(phoneHref({ value: "ask her" }), null);
});
