// The live stream of exchanges: server-sent events read by fetch, which can send the token; a cursor to go on from.

import { ApiError, open } from "./api.js";

const PAUSES = [500, 1000, 2000, 4000];

export class Feed {
  // told: start({fresh}), rows({rows, kept}), whole(), state(name, words), refused(error)
  constructor(told) {
    this.told = told;
    this.cursor = "";
    this.failures = 0;
    this.leaving = null;
    this.timer = 0;
  }

  start() {
    this.stop();
    this.leaving = new AbortController();
    this.#run(this.leaving.signal);
  }

  stop() {
    this.leaving?.abort();
    this.leaving = null;
    clearTimeout(this.timer);
  }

  async #run(signal) {
    try {
      const answer = await open(`feed?after=${encodeURIComponent(this.cursor)}`, signal);
      this.failures = 0;
      this.told.state("live");
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        rest += value;
        const events = rest.split("\n\n");
        rest = events.pop();
        for (const each of events) this.#take(each);
      }
      throw new ApiError(0, "the stream ended");
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400) {
        this.told.refused(error);
        return;
      }
      const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
      this.failures += 1;
      this.told.state("lost");
      this.timer = setTimeout(() => this.#run(signal), pause);
    }
  }

  #take(text) {
    let name = "message", data = "", id = null;
    for (const line of text.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
      else if (line.startsWith("id: ")) id = line.slice(4);
    }
    if (!data) return;
    this.told[name]?.(JSON.parse(data));
    if (id !== null) this.cursor = id;
  }
}
