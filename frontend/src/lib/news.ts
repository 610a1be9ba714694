// What the tabs of this browser tell each other; a tab does not hear itself.

/** News of conversations: the id of one in which something new was said, or one of the list as it is now. */
export const news = "BroadcastChannel" in window ? new BroadcastChannel("conversations") : null;
