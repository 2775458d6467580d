// Days as the server counts them, in UTC: "2026-11-25". As texts they are in the order of time.

import { serverNow } from "./times.js";

export const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Today, or the day of a time in milliseconds. */
export const dayOf = (time = serverNow()) => new Date(time).toISOString().slice(0, 10);

/** When a day begins, in milliseconds. */
export const startOf = (day) => Date.parse(`${day}T00:00:00Z`);

/** The day so many days later. */
export const dayAfter = (day, days = 1) => dayOf(startOf(day) + days * DAY_MS);

const written = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** "Nov 25, 2026", whichever day it is where the browser is. */
export const dayInWords = (day) => written.format(startOf(day));

/** Whether a text of the address is a day; engines take February 30 for a day of March. */
export const isDay = (text) =>
  DAY.test(text) && !Number.isNaN(startOf(text)) && dayOf(startOf(text)) === text;

/** Whether a date field has a day: while one types a year, it has one of long ago. */
export const hasDay = ({ target }) => target.value >= "2000-01-01";
