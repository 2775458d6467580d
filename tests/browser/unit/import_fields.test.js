import assert from "node:assert/strict";
import { test } from "node:test";

import {
  customPath,
  fieldGroups,
  fieldLabel,
  findingLabel,
  withWish,
} from "../../../public/js/imports/fields.js";

test("a field of a mapping is called as a person would", () => {
  const labels = {
    first_name: "First name",
    emails: "E-mail",
    "emails.work": "E-mail, work",
    "emails.2.value": "E-mail 2",
    "phones.1.label": "Phone 1: label",
    "phones.work fax": "Phone, work fax",
    "addresses.home.city": "Address, home: city",
    "addresses.home.formatted": "Address, home: in one cell",
    addresses: "Address, in one cell",
    "custom.size.eu": "Custom field “size.eu”",
    "preferences.email": "Consent: e-mail",
    "customs.Event 1.label": "Event 1: name of a custom field",
    "customs.Event 1.value": "Event 1: value of a custom field",
    nothing_known: "Nothing known",
  };
  for (const [path, label] of Object.entries(labels)) assert.equal(fieldLabel(path), label);
});

test("a finding counts its items from nought, and a person from one", () => {
  assert.equal(findingLabel("emails.0.value"), "E-mail 1");
  assert.equal(findingLabel("addresses.1.postal_code"), "Address 2: postal code");
  assert.equal(findingLabel("phones"), "Phone");
  assert.equal(findingLabel("addresses"), "Address");
  assert.equal(findingLabel(""), "");
  assert.equal(findingLabel(undefined), "");
});

test("hostile names of fields are texts like others", () => {
  const name = "<img src=x onerror=alert(1)>";
  assert.equal(fieldLabel(`custom.${name}`), `Custom field “${name}”`);
  assert.equal(fieldLabel("__proto__"), "_ proto  ");
  assert.equal(fieldLabel("constructor"), "Constructor");
});

test("a select offers the field that the column is called as, those of others, and the current one", () => {
  const groups = fieldGroups("Size", "emails.3.label", {
    Size: "emails.3.label",
    Colour: "custom.Colour",
    Name: "name",
  });
  const paths = groups.map(({ options }) => options.map(({ path }) => path));
  assert.equal(groups[0].label, "As the file has it");
  assert.deepEqual(paths[0], ["emails.3.label"]);
  assert.deepEqual(paths.at(-1), ["custom.Size", "custom.Colour"]);
  assert.ok(paths.flat().includes("last_name"));
});

test("no field is offered twice", () => {
  for (const current of [null, "name", "custom.Size", "addresses.work.street"]) {
    const paths = fieldGroups("Size", current, { Size: current }).flatMap(({ options }) =>
      options.map(({ path }) => path),
    );
    assert.equal(new Set(paths).size, paths.length);
  }
});

test("a custom field is called as the server would call it", () => {
  assert.equal(customPath("  Shoe \n size "), "custom.Shoe size");
  assert.equal(customPath("x".repeat(200)), `custom.${"x".repeat(100)}`);
});

test("a field that holds one text goes to the column that was chosen last", () => {
  const wishes = withWish({ A: "company", B: "emails" }, "C", "company");
  assert.deepEqual(wishes, { B: "emails", C: "company" });
});

test("lists and texts that are joined take several columns", () => {
  for (const path of [
    "emails",
    "emails.work",
    "phones",
    "notes",
    "first_name",
    "tags",
    "addresses.home.street",
  ]) {
    assert.deepEqual(withWish({ A: path }, "B", path), { A: path, B: path });
  }
  for (const path of ["emails.1.label", "addresses.home.city", "custom.size", "birthday", "id"]) {
    assert.deepEqual(withWish({ A: path }, "B", path), { B: path });
  }
});

test("many columns may be left out, and each be wished for anew", () => {
  assert.deepEqual(withWish({ A: null }, "B", null), { A: null, B: null });
  assert.deepEqual(withWish({ A: null }, "A", "name"), { A: "name" });
});
