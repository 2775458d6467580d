// Which days the statistics are of.

import { dayAfter, dayOf, isDay } from "../core/days.js";
import { serverNow } from "../core/times.js";

export const CHOICES = [7, 30, 90];
export const MOST_DAYS = 366;

/**
 * The days that an address asks for: `{from, to, days}`, where `days` is the choice that is pressed,
 * or null for an own span. What can't be is made to fit: the last 30 days, at most 366, none to come.
 */
export function rangeOf({ days, from, to } = {}, now = serverNow()) {
  const today = dayOf(now);
  if (!isDay(from) && !isDay(to)) {
    const choice = CHOICES.includes(Number(days)) ? Number(days) : 30;
    return { from: dayAfter(today, 1 - choice), to: today, days: choice };
  }
  const last = isDay(to) && to < today ? to : today;
  const earliest = dayAfter(last, 1 - MOST_DAYS);
  const first = isDay(from) ? from : dayAfter(last, -29);
  const [, middle] = [first, earliest, last].sort();
  return { from: middle, to: last, days: null };
}

/** The day an address asks to see minute by minute; today if it names none, or one to come. */
export function minuteDayOf({ day } = {}, now = serverNow()) {
  const today = dayOf(now);
  return isDay(day) && day <= today ? day : today;
}
