import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changesBetween,
  contactOf,
  customRow,
  flatOf,
  formOf,
  newItem,
  putValue,
} from "../../../public/js/contact/form.js";

const contact = {
  id: "contact-1",
  version: 7,
  display_name: "Mia Keller",
  first_name: "Mia",
  last_name: "Keller",
  emails: [{ label: "work", value: "mia@example.com" }],
  phones: [{ e164: "+12025550143", value: "(202) 555-0143" }],
  addresses: [{ city: "Zürich", country: "CH", street: "Gasse 1\n2nd floor" }],
  birthday: "--04-12",
  custom: { size: "L", score: 12.5, customer: false, "a.b": "dots" },
  preferences: { email: "opted_out" },
  tag_ids: ["tag-b", "tag-a"],
  owner_id: "agent-1",
  active: true,
};
const edited = (change) => {
  const form = formOf(contact);
  change(form);
  return changesBetween(flatOf(formOf(contact)), flatOf(form));
};

test("a form that nobody touched has no changes", () => {
  assert.deepEqual(
    edited(() => {}),
    {},
  );
  const untidy = { ...contact, first_name: " Mia\n ", emails: [{ value: "MIA@example.com" }] };
  assert.deepEqual(changesBetween(flatOf(formOf(untidy)), flatOf(formOf(untidy))), {});
});

test("only what was changed is sent, each in the protocol's way", () => {
  const changes = edited((form) => {
    form.first_name = "  Maria  ";
    form.last_name = "";
    form.phones.push({ ...newItem("phones"), value: "0151 1", label: "mobile" });
    form.custom[0].value = "XL";
    form.custom.splice(1, 1);
    form.preferences.email = "";
    form.preferences.sms = "opted_in";
    form.tag_ids = ["tag-a", "tag-c"];
    form.owner_id = "";
    form.active = false;
  });
  assert.deepEqual(changes, {
    first_name: "Maria",
    last_name: null,
    phones: [{ value: "(202) 555-0143" }, { value: "0151 1", label: "mobile" }],
    custom: { size: "XL", score: null },
    preferences: { email: null, sms: "opted_in" },
    tag_ids: { add: ["tag-c"], remove: ["tag-b"] },
    owner_id: null,
    active: false,
  });
});

test("what only looks changed is not sent", () => {
  const changes = edited((form) => {
    form.first_name = "Mia ";
    form.emails[0].value = " Mia Keller <mailto:MIA@example.com>";
    form.emails.push({ ...newItem("emails"), label: "work" });
    form.addresses[0].country = "ch";
    form.birthday = "12.4.";
    form.tag_ids = ["tag-a", "tag-b"];
    form.custom.push(customRow("empty", ""));
  });
  assert.deepEqual(changes, {});
});

test("custom fields keep their kinds, and any name", () => {
  const changes = edited((form) => {
    form.custom.push(customRow("__proto__", "x"), customRow("n", 0), customRow("no", false));
    form.custom.push({ ...customRow("typed", ""), kind: "number", value: " 3.5 " });
  });
  const sent = JSON.parse(JSON.stringify(changes));
  assert.deepEqual(Object.entries(sent.custom), [
    ["__proto__", "x"],
    ["n", 0],
    ["no", false],
    ["typed", 3.5],
  ]);
});

test("a custom field that is renamed is taken away and made", () => {
  const changes = edited((form) => {
    form.custom[0].name = "Size ";
  });
  assert.deepEqual(changes, { custom: { size: null, Size: "L" } });
});

test("a new contact is sent with what is filled, nobody's owner as null", () => {
  const form = formOf({ owner_id: "agent-1" });
  form.company = "Keller Ltd";
  form.tag_ids = ["tag-a"];
  assert.deepEqual(contactOf("new-id-1", flatOf(form)), {
    id: "new-id-1",
    company: "Keller Ltd",
    tag_ids: ["tag-a"],
    owner_id: "agent-1",
  });
  form.owner_id = "";
  assert.equal(contactOf("new-id-1", flatOf(form)).owner_id, null);
});

test("a value of another's goes into the form, and its items keep their places", () => {
  const form = formOf(contact);
  const { key } = form.emails[0];
  putValue(form, "emails", [{ value: "new@example.com" }, { value: "b@example.com" }]);
  assert.equal(form.emails[0].key, key);
  assert.deepEqual(
    form.emails.map(({ value, label }) => [value, label]),
    [
      ["new@example.com", ""],
      ["b@example.com", ""],
    ],
  );
  putValue(form, "custom.a.b", undefined);
  putValue(form, "custom.more", true);
  putValue(form, "preferences.email", undefined);
  putValue(form, "active", undefined);
  const flat = flatOf(form);
  assert.equal("custom.a.b" in flat, false);
  assert.equal(flat["custom.more"], true);
  assert.equal("preferences.email" in flat, false);
  assert.equal(flat.active, true);
});
