import assert from "node:assert/strict";
import { test } from "node:test";
import { changesBetween, flatOf, formOf } from "../../../public/js/contact/form.js";
import { choose, rebase } from "../../../public/js/contact/rebase.js";

const contact = {
  id: "contact-1",
  version: 1,
  first_name: "Mia",
  company: "Keller & Sons",
  emails: [{ value: "mia@example.com" }],
  custom: { size: "L", shoe: "42" },
  tag_ids: ["tag-a", "tag-b"],
  active: true,
};

function editing(change = () => {}) {
  const form = formOf(contact);
  const base = flatOf(form);
  change(form);
  return { form, base, clashes: new Map() };
}
const changesOf = ({ form, base }) => changesBetween(base, flatOf(form));

test("what I did not touch takes the new value at once", () => {
  const mine = editing((form) => {
    form.first_name = "Maria";
  });
  const taken = rebase(mine, { ...contact, company: "Keller Ltd", custom: { size: "XL" } });
  assert.deepEqual(taken.sort(), ["company", "custom.shoe", "custom.size"]);
  assert.equal(mine.form.company, "Keller Ltd");
  assert.equal(mine.clashes.size, 0);
  assert.deepEqual(changesOf(mine), { first_name: "Maria" });
});

test("what both changed shows both, until one is chosen", () => {
  const mine = editing((form) => {
    form.company = "Keller & Daughters";
  });
  assert.deepEqual(rebase(mine, { ...contact, company: "Keller Ltd" }), []);
  assert.equal(mine.form.company, "Keller & Daughters");
  assert.deepEqual(mine.clashes.get("company"), { theirs: "Keller Ltd" });

  choose(mine, "company", "mine");
  assert.equal(mine.clashes.size, 0);
  assert.deepEqual(changesOf(mine), { company: "Keller & Daughters" });

  rebase(mine, { ...contact, company: "Keller Inc" });
  choose(mine, "company", "theirs");
  assert.equal(mine.form.company, "Keller Inc");
  assert.deepEqual(changesOf(mine), {});
});

test("the same change by both is no clash, and ends one", () => {
  const mine = editing((form) => {
    form.company = "Keller Ltd";
  });
  assert.deepEqual(rebase(mine, { ...contact, company: "Keller Inc" }), []);
  assert.equal(mine.clashes.size, 1);
  rebase(mine, { ...contact, company: "Keller Ltd" });
  assert.equal(mine.clashes.size, 0);
  assert.deepEqual(changesOf(mine), {});
});

test("a clash stays although they change it again, and shows their latest", () => {
  const mine = editing((form) => {
    form.emails[0].value = "mine@example.com";
  });
  rebase(mine, { ...contact, emails: [{ value: "one@example.com" }] });
  rebase(mine, { ...contact, emails: [] });
  assert.deepEqual(mine.clashes.get("emails"), { theirs: [] });
});

test("a field that I took away and they changed is a clash", () => {
  const mine = editing((form) => {
    form.custom = [];
  });
  rebase(mine, { ...contact, custom: { size: "XL", shoe: "42" } });
  assert.deepEqual([...mine.clashes], [["custom.size", { theirs: "XL" }]]);
  choose(mine, "custom.size", "theirs");
  assert.deepEqual(changesOf(mine), { custom: { shoe: null } });
});

test("labels of both are kept, and never clash", () => {
  const mine = editing((form) => {
    form.tag_ids = ["tag-b", "tag-mine"];
  });
  rebase(mine, { ...contact, tag_ids: ["tag-a", "tag-theirs"] });
  assert.deepEqual(mine.form.tag_ids.sort(), ["tag-mine", "tag-theirs"]);
  assert.equal(mine.clashes.size, 0);
  assert.deepEqual(changesOf(mine), { tag_ids: { add: ["tag-mine"], remove: ["tag-a"] } });
});
