// <time datetime>: the server writes UTC; the reader gets the own time zone and language.

const FORMAT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const OF_THIS_YEAR = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

/** Shows every time of the page in the reader's own way. */
export function localTimes(): void {
  for (const time of document.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.title = time.textContent ?? "";
    const isOfThisYear = moment.getFullYear() === new Date().getFullYear();
    time.textContent = (isOfThisYear ? OF_THIS_YEAR : FORMAT).format(moment);
  }
}
