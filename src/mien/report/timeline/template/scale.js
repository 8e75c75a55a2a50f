"use strict";

const SHORTEST_SPAN = 2; // seconds
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** Which part of the recording is seen, and where a time lies in it. */
class Scale {
  constructor(start, end) {
    this.start = start;
    this.end = end;
    this.from = start;
    this.to = end;
    this.width = 1;
  }

  get span() { return this.to - this.from; }

  x(time) { return ((time - this.from) / this.span) * this.width; }

  time(x) { return this.from + (x / this.width) * this.span; }

  /** Show what lies from one time on; the span and both ends stay within the recording. */
  show(from, span) {
    const all = this.end - this.start;
    span = Math.min(Math.max(span, Math.min(SHORTEST_SPAN, all)), all);
    this.from = Math.min(Math.max(from, this.start), this.end - span);
    this.to = this.from + span;
  }

  /** Zoom so that the time at x stays there; a factor above 1 shows less. */
  zoom(factor, x) {
    const time = this.time(x);
    const span = this.span / factor;
    this.show(time - (x / this.width) * span, span);
  }

  pan(seconds) { this.show(this.from + seconds, this.span); }

  /** Move just as far as a stretch needs to be seen. */
  reveal(start, end) {
    const margin = 0.1 * this.span;
    if (start < this.from) this.show(start - margin, this.span);
    else if (end > this.to) this.show(Math.min(end - this.span + margin, start - margin), this.span);
  }

  ticks() {
    const least = (this.span * 75) / this.width;
    const step = STEPS.find((one) => one >= least) || STEPS[STEPS.length - 1];
    const found = [];
    for (let i = Math.ceil(this.from / step); i * step <= this.to; i += 1) found.push(i * step);
    return { step, found };
  }
}

function clock(seconds, step = 1) {
  const digits = step < 1 ? 1 : 0;
  const whole = Math.floor(seconds + 1e-9);
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const fraction = digits ? `.${Math.floor((seconds - whole) * 10 + 1e-6)}` : "";
  const rest = pad(whole % 60) + fraction;
  return hours ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}
