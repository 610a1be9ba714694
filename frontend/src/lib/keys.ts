// What the keys mean in a field for messages.

/** Enter sends, Shift+Enter breaks the line; the Enter that confirms a composition does neither. */
export function sendsBy(event: KeyboardEvent): boolean {
  // keyCode 229: Safari ends a composition before the Enter that confirmed it.
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}
