// Reading aloud, by the browser's own voices. A paragraph at a time: long texts fall silent in some browsers.
import { announce } from "../lib/announce";
import { delegate, find } from "../lib/dom";

/** Reads a text; the button in the head of the page stops it. */
export function readAloud(text: string): void {
  if (!("speechSynthesis" in window)) return announce("This browser has no voice.");
  speechSynthesis.cancel();
  const paragraphs = text.split(/\n+/).filter((line) => line.trim());
  paragraphs.forEach((line, at) => {
    const utterance = new SpeechSynthesisUtterance(line);
    if (at === paragraphs.length - 1) utterance.addEventListener("end", () => showStop(false));
    utterance.addEventListener("error", () => showStop(speechSynthesis.speaking));
    speechSynthesis.speak(utterance);
  });
  showStop(paragraphs.length > 0);
}

/** Makes the button that stops the voice work; leaving the page stops it as well. */
export function stopsReading(): void {
  const stop = (): void => {
    if ("speechSynthesis" in window) speechSynthesis.cancel();
    showStop(false);
  };
  delegate("click", "#stop-reading", stop);
  addEventListener("pagehide", stop);
}

function showStop(isReading: boolean): void {
  const button = find("#stop-reading", HTMLElement);
  if (button) button.hidden = !isReading;
}
