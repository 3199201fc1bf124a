// The stream of updates. A browser reconnects by itself after a broken connection, but gives up for good after an
// answer that is no stream (a 503 during a deployment): then a new stream is opened, after growing pauses.

const PAUSES = [1000, 2000, 5000, 10000, 30000];

/** Follows a stream: `told` hears each message, `opened` each opening, `connected` how it stands. */
export function follow(url, { told, opened, connected }) {
  let source;
  let tries = 0;
  let waiting;

  function open() {
    clearTimeout(waiting);
    source?.close();
    source = new EventSource(url);
    source.onopen = () => {
      tries = 0;
      connected(true);
      opened();
    };
    source.onmessage = (each) => {
      try {
        told(JSON.parse(each.data));
      } catch {
        // What is no JSON is not for us.
      }
    };
    source.onerror = () => {
      connected(false);
      if (source.readyState === EventSource.CLOSED) {
        waiting = setTimeout(open, PAUSES[Math.min(tries, PAUSES.length - 1)]);
        tries += 1;
      }
    };
  }

  open();
  addEventListener("online", open);
  // A page that comes back from the browser's cache has missed what happened meanwhile.
  addEventListener("pageshow", (each) => each.persisted && open());
  addEventListener("pagehide", () => source.close());
}
