// What can be asked of an import: the choices of its selects, and the query that they make.

export const FORMATS = {
  google: "Google Contacts",
  google_old: "Google Contacts, old headers",
  outlook: "Outlook",
  outlook_com: "Outlook.com",
  hubspot: "HubSpot",
  salesforce: "Salesforce",
  own: "Fieldbook's own table",
  csv: "Table (CSV)",
  xlsx: "Workbook (XLSX)",
  json: "JSON",
  jsonl: "JSON, an object a line",
  vcard: "vCard",
};

export const ENCODINGS = {
  "utf-8": "UTF-8",
  "utf-16": "UTF-16",
  "utf-16-le": "UTF-16 LE, without a mark",
  cp1252: "Windows, Western Europe (cp1252)",
  cp1250: "Windows, Central Europe (cp1250)",
  cp1251: "Windows, Cyrillic (cp1251)",
  cp1253: "Windows, Greek (cp1253)",
  cp1254: "Windows, Turkish (cp1254)",
  "iso8859-1": "Latin 1 (iso8859-1)",
  "iso8859-2": "Latin 2 (iso8859-2)",
  "iso8859-15": "Latin 9 (iso8859-15)",
  "mac-roman": "Mac, Western Europe",
  "mac-latin2": "Mac, Central Europe",
  cp850: "DOS, Western Europe (cp850)",
  cp437: "DOS, United States (cp437)",
  shift_jis: "Japanese (Shift JIS)",
  gb18030: "Chinese (GB 18030)",
  big5: "Chinese (Big5)",
  euc_kr: "Korean (EUC-KR)",
};

export const DELIMITERS = {
  comma: "Comma ,",
  semicolon: "Semicolon ;",
  tab: "Tab",
  pipe: "Pipe |",
};
const SIGNS = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe" };

export const MODES = {
  upsert: "Update contacts that are there, create the others",
  create: "Only create: a contact that is there is an error",
  update: "Only update: a contact that is not there is an error",
  skip: "Create new ones, leave those that are there as they are",
};

export const MATCHES = {
  "external_id,email,phone": "Id in another system, then e-mail, then phone",
  "email,phone": "E-mail, then phone",
  "phone,email": "Phone, then e-mail",
  external_id: "Id in another system only",
  email: "E-mail only",
  phone: "Phone only",
};

export const ON_EMPTY = {
  keep: "Changes nothing; lists and labels are added to",
  clear: "Clears the field; lists become what the file has",
};

export const DEFAULTS = Object.freeze({
  format: "",
  encoding: "",
  delimiter: "",
  mode: "upsert",
  match: "external_id,email,phone",
  on_empty: "keep",
  region: "",
});

// After one of these the columns may be called otherwise.
const READING = ["format", "encoding", "delimiter"];
const WITHOUT_CELLS = ["json", "jsonl", "vcard"];

/** Whether wishes for columns are void after a change of this option. */
export const changesColumns = (name) => READING.includes(name);

/** The parameters of `POST /api/bulk/import`: what is not the server's own choice. */
export function queryOf(options, wishes) {
  const asked = Object.entries(options).filter(
    ([name, value]) => value !== "" && value !== DEFAULTS[name],
  );
  const query = Object.fromEntries(asked);
  if (Object.keys(wishes).length) query.mapping = JSON.stringify(wishes);
  return query;
}

/** Whether an encoding can be chosen: a workbook has none. Before anything is recognised, all can. */
export const hasEncoding = (detected) =>
  !detected || (detected.format !== "xlsx" && detected.encoding !== null);

/** Whether a delimiter can be chosen: of tables of text only. */
export const hasDelimiter = (detected) =>
  !detected || (hasEncoding(detected) && !WITHOUT_CELLS.includes(detected.format));

export const formatLabel = (format) => FORMATS[format] ?? format;
export const encodingLabel = (encoding) => ENCODINGS[encoding] ?? encoding;
export const delimiterLabel = (sign) => DELIMITERS[SIGNS[sign]] ?? sign;

/** What a select offers: `[{value, label}]`, with what was recognised, if anything, as the first. */
export function choices(known, recognised) {
  const automatic = { value: "", label: recognised ? `Recognised: ${recognised}` : "Recognise it" };
  return [automatic, ...Object.entries(known).map(([value, label]) => ({ value, label }))];
}

/** All countries that have phone numbers, by name: `[{value, label}]`. */
export function regions(locale = undefined) {
  const names = new Intl.DisplayNames(locale, { type: "region", fallback: "none" });
  const letters = Array.from({ length: 26 }, (_, at) => String.fromCharCode(65 + at));
  const codes = letters.flatMap((one) => letters.map((other) => one + other));
  return codes
    .filter((code) => !NO_COUNTRIES.has(code) && names.of(code))
    .map((code) => ({ value: code, label: names.of(code) }))
    .sort((one, other) => one.label.localeCompare(other.label));
}

// Codes with a name but without phone numbers of their own: unions, test codes, and countries that are no more.
const NO_COUNTRIES = new Set(
  (
    "AN AQ BU BV CP CQ CS CT DD DG DY EA EU EZ FQ FX GS HM HV IC JT MI NH NQ NT PC PN PU PZ QO QU RH SU TF " +
    "TP UK UM UN VD WK XA XB YD YU ZR ZZ"
  ).split(" "),
);
