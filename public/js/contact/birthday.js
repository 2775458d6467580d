// Birthdays: `YYYY-MM-DD`, or `--MM-DD` where the year is not known.

const FORMS = [
  // 1985-04-12, also 1985/4/12
  /^(?<year>\d{4})[-/.](?<month>\d{1,2})[-/.](?<day>\d{1,2})$/,
  // --04-12
  /^--(?<month>\d{1,2})-(?<day>\d{1,2})$/,
  // 12.4.1985 and 12.4.
  /^(?<day>\d{1,2})\.\s?(?<month>\d{1,2})\.\s?(?<year>\d{4})?$/,
];
const BIRTHDAY = /^(\d{4}|-)-(\d{2})-(\d{2})$/;

/**
 * What was typed, as the server has it: `{value}`, null for nothing; or `{error}` in words.
 *
 * A leap year stands for the unknown one, so that 29 February is a day.
 */
export function readBirthday(text) {
  const typed = (text ?? "").trim();
  if (!typed) return { value: null };
  const found = FORMS.map((form) => form.exec(typed)?.groups).find(Boolean);
  if (!found) return { error: "This must be YYYY-MM-DD, or --MM-DD without the year." };
  const [year, month, day] = [found.year ?? "2000", found.month, found.day].map(Number);
  if (year < 1 || !exists(year, month, day)) return { error: "There is no such day." };
  const start = found.year ?? "-";
  return { value: `${start}-${padded(month)}-${padded(day)}` };
}

/** "12 April 1985", or "12 April" without the year; what has no such form stays as it is. */
export function formatBirthday(value, locale) {
  const [, year, month, day] = BIRTHDAY.exec(value ?? "") ?? [];
  if (!month) return value ?? "";
  const known = year !== "-";
  const date = new Date(0);
  date.setUTCFullYear(known ? Number(year) : 2000, Number(month) - 1, Number(day));
  const options = { day: "numeric", month: "long", timeZone: "UTC" };
  if (known) options.year = "numeric";
  return new Intl.DateTimeFormat(locale, options).format(date);
}

const padded = (number) => String(number).padStart(2, "0");

function exists(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
