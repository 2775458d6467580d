import assert from "node:assert/strict";
import { test } from "node:test";

import { formatSize } from "../../../public/js/imports/drop.js";
import {
  columnValues,
  previewColumns,
  textOf,
} from "../../../public/js/imports/preview_columns.js";

const CONTACTS = [
  {
    first_name: "Ann",
    last_name: "Lee",
    emails: [{ label: "work", value: "ann@example.com" }],
    custom: { Size: "42" },
  },
  { company: "Lee Ltd", custom: { Size: "43", VIP: true }, tags: ["A", "B"] },
];

test("a preview has the columns that a contact of it fills, the name first and custom fields last", () => {
  const columns = previewColumns(CONTACTS);
  assert.deepEqual(
    columns.map(({ label }) => label),
    ["Name", "Company", "E-mails", "Tags", "Size", "VIP"],
  );
  assert.deepEqual(
    columns.map(({ text }) => text(CONTACTS[1])),
    ["", "Lee Ltd", "", "A, B", "43", "yes"],
  );
});

test("what a later server tells of a contact is shown as well", () => {
  assert.deepEqual(
    previewColumns([{ last_name: "Lee", shoe: { left: 1 } }]).map(({ label, text }) => [
      label,
      text({ shoe: { left: 1 } }),
    ]),
    [
      ["Name", ""],
      ["Shoe", "left: 1"],
    ],
  );
});

test("a custom field may have any name", () => {
  const odd = ["constructor", "__proto__", "toString"];
  const contacts = [
    { last_name: "Lee" },
    ...odd.map((name) => ({ custom: JSON.parse(`{"${name}": "here"}`) })),
  ];
  const columns = previewColumns(contacts);
  assert.deepEqual(
    columns.map(({ label }) => label),
    ["Name", ...odd],
  );
  assert.deepEqual(
    columns.slice(1).map(({ text }) => contacts.map(text)),
    odd.map((_, at) => contacts.map((_, row) => (row === at + 1 ? "here" : ""))),
  );
});

test("long texts are cut", () => {
  assert.equal(textOf("x".repeat(300)).length, 201);
  assert.equal(textOf(null), "");
  assert.equal(textOf(0), "0");
});

test("a column shows what the file has in it", () => {
  const samples = [{ column: "Mail", values: ["a", "b"] }];
  assert.deepEqual(columnValues("Mail", "emails", samples, CONTACTS), ["a", "b"]);
});

test("where rows have no cells, a column shows what contacts got from it", () => {
  const samples = ["FN", "EMAIL", "X-SIZE", "PHOTO"].map((column) => ({ column, values: [] }));
  assert.deepEqual(columnValues("FN", "name", samples, CONTACTS), ["Ann Lee"]);
  assert.deepEqual(columnValues("EMAIL", "emails", samples, CONTACTS), ["work: ann@example.com"]);
  assert.deepEqual(columnValues("X-SIZE", "custom.Size", samples, CONTACTS), ["42", "43"]);
  assert.deepEqual(columnValues("PHOTO", null, samples, CONTACTS), []);
});

test("sizes are round", () => {
  assert.deepEqual([1, 999, 1_500, 2_340_000].map(formatSize), [
    "1 byte",
    "999 bytes",
    "2 kB",
    "2.3 MB",
  ]);
});
