// Under which heading a conversation stands, in the reader's own time zone.

const DAY_MS = 86_400_000;

/** The heading for a time, seen from now; app/chat/sidebar.py says the same in UTC. */
export function heading(moment: Date, now: Date): string {
  const days = Math.round((midnight(now) - midnight(moment)) / DAY_MS);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days <= 7) return "Previous 7 days";
  if (days <= 30) return "Previous 30 days";
  const year = moment.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return moment.toLocaleDateString("en", { month: "long", ...year });
}

function midnight(moment: Date): number {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).valueOf();
}
