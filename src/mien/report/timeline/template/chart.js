const AXIS = 24, NAME = 22, BAR = 28, COURSE = 72, GAP = 14, ROW = 6;
const MOST_LINES = 4; // courses of one speaker: those that are highest in what is seen
const COARSEST = 6; // pixels: closer points of a course are averaged
const NARROW = 4; // pixels: narrower segments are drawn together, which is faster
const UNANSWERED = "#8793a0";
const SVG = "http://www.w3.org/2000/svg";

/** Make an SVG element; what is written in it is text, whatever it holds. */
function svg(name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

/** Write a label over its colour, and over the pattern on it. */
function inked(style, x, y, text) {
  const [ink, ground] = style ? [style.ink, style.fill] : ["#1f2933", "#e9edf1"];
  return svg("text", { class: "inside", x, y, style: `fill:${ink};stroke:${ground}` }, text);
}

function patterns() {
  const defs = svg("defs");
  const add = (id, size, d, colour, width) => {
    const one = svg("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse" });
    one.append(svg("path", { d, stroke: colour, "stroke-width": width, fill: "none", "stroke-linecap": "square" }));
    defs.append(one);
  };
  add("hatch", 6, "M-1 1L1 -1M0 6L6 0M5 7L7 5", "#97a3b0", 1.5);
  add("pattern1", 6, "M0 3H6", "#ffffff8c", 2);
  add("pattern2", 6, "M3 3h.01", "#ffffffb0", 2.4);
  add("pattern3", 6, "M0 3H6M3 0V6", "#ffffff80", 1.2);
  return defs;
}

/** Draws the lanes of the speakers and the strip of the whole recording. */
class Chart {
  constructor(data, scale, lanes, overview) {
    Object.assign(this, { data, scale, lanes, overview });
    this.task = 0;
    this.selected = -1;
    this.now = data.start;
    this.waiting = false;
  }

  get height() { return this.laneTop(this.data.speakers.length); }

  /** Lanes without a course of the task are lower. */
  laneTop(lane) {
    const task = this.data.tasks[this.task];
    const curved = this.data.speakers.filter((_, place) => place < lane && task && task.courses[place]);
    return AXIS + lane * (NAME + BAR + GAP) + curved.length * COURSE;
  }

  /** Draw before the next frame, once, however often it is asked for. */
  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  draw() {
    this.scale.width = Math.max(this.lanes.clientWidth, 1);
    this.lanes.setAttribute("height", this.height);
    const parts = [patterns(), this.axis()];
    this.data.speakers.forEach((name, lane) => parts.push(this.lane(name, lane)));
    this.line = svg("line", { class: "now", y1: AXIS - 6, y2: this.height });
    this.lanes.replaceChildren(...parts, this.line);
    this.place();
    this.drawWindow();
  }

  /** Find the segment at a point, or nearly there; -1 if there is none. */
  segmentAt(x, y) {
    const near = (one) => Math.max(this.scale.x(one.start) - x, x - this.scale.x(one.end));
    let found = -1;
    this.data.segments.forEach((one, place) => {
      const top = this.laneTop(one.lane) + NAME;
      const closer = near(one) < (found < 0 ? 5 : near(this.data.segments[found]));
      if (y >= top && y <= top + BAR && closer) found = place;
    });
    return found;
  }

  /** Put the line of the current time where it belongs. */
  place() {
    for (const end of ["x1", "x2"]) if (this.line) this.line.setAttribute(end, this.scale.x(this.now));
    if (this.small) for (const end of ["x1", "x2"]) this.small.setAttribute(end, this.overviewX(this.now));
  }

  axis() {
    const group = svg("g");
    const { step, found } = this.scale.ticks();
    for (const time of found) {
      const x = this.scale.x(time);
      const anchor = x < 20 ? "start" : x > this.scale.width - 20 ? "end" : "middle";
      group.append(svg("line", { x1: x, x2: x, y1: AXIS - 5, y2: this.height, stroke: "#e3e8ed" }));
      group.append(svg("text", { class: "axis", x, y: 13, "text-anchor": anchor }, clock(time, step)));
    }
    return group;
  }

  lane(name, lane) {
    const top = this.laneTop(lane);
    const group = svg("g");
    group.append(svg("text", { class: "name", x: 0, y: top + 16 }, shortened(name, this.scale.width / 8)));
    group.append(svg("rect", { x: 0, y: top + NAME, width: this.scale.width, height: BAR, fill: "#f2f5f8" }));
    group.append(this.course(lane, top + NAME + BAR + 4));
    const narrow = {};
    this.data.segments.forEach((one, place) => {
      if (one.lane !== lane || one.end <= this.scale.from || one.start >= this.scale.to) return;
      const x = Math.max(this.scale.x(one.start), -4);
      const width = Math.min(this.scale.x(one.end), this.scale.width + 4) - x;
      if (width >= NARROW || place === this.selected) this.segment(group, one, place, x, top + NAME, width);
      else {
        const fill = this.colours(one).fill;
        narrow[fill] = `${narrow[fill] || ""}M${x.toFixed(1)} ${top + NAME + 1}h${Math.max(width, 1).toFixed(1)}v${BAR - 2}H${x.toFixed(1)}z`;
      }
    });
    for (const [fill, d] of Object.entries(narrow)) group.append(svg("path", { d, fill }));
    return group;
  }

  /** Give the answer for a segment, its look if it has one, and its colours. */
  colours(one) {
    const answer = one.tasks[this.task];
    const style = answer && this.data.tasks[this.task].bars[answer.bar];
    if (style) return { answer, style, fill: style.fill, line: style.line };
    return { answer, style, fill: answer && answer.answered ? "#ffffff" : "#d3dae1", line: UNANSWERED };
  }

  segment(group, one, place, x, y, width) {
    const { answer, style, fill, line } = this.colours(one);
    const box = { x, y: y + 1, width: Math.max(width, 1.5), height: BAR - 2, rx: 3 };
    const rect = svg("rect", { ...box, class: place === this.selected ? "segment selected" : "segment", fill, stroke: line });
    rect.append(svg("title", {}, this.describe(one, answer)));
    group.append(rect);
    const over = style ? style.pattern && `pattern${style.pattern}` : answer && answer.answered ? 0 : "hatch";
    if (over) group.append(svg("rect", { ...box, fill: `url(#${over})`, "pointer-events": "none" }));
    const text = this.inside(answer, style, width);
    if (text) group.append(inked(style, x + width / 2, y + BAR / 2 + 4.5, text));
  }

  /** Give what fits into a bar: the label, its letter, or nothing. */
  inside(answer, style, width) {
    if (!answer || !answer.label) return "";
    if (answer.label.length * 7.2 + 8 < width) return answer.label;
    const letter = style ? style.letter : "?";
    return letter.length * 8.5 + 3 < width ? letter : "";
  }

  describe(one, answer) {
    const head = `${this.data.speakers[one.lane]}, ${clock(one.start)} to ${clock(one.end)}`;
    const why = answer && answer.why && answer.why !== answer.label ? `: ${answer.why}` : "";
    return answer && answer.label ? `${head}\n${answer.label}${why}` : head;
  }

  /** Draw the smoothed scores of a speaker; their letters stand where a line ends. */
  course(lane, top) {
    const group = svg("g");
    const task = this.data.tasks[this.task];
    const course = task && task.courses[lane];
    if (!course) return group;
    const height = COURSE - 8;
    const [low, high] = task.range;
    for (const share of [0, 0.5, 1]) {
      const y = top + height * (1 - share);
      group.append(svg("line", { x1: 0, x2: this.scale.width, y1: y, y2: y, stroke: "#e3e8ed" }));
    }
    const y = (score) => top + height * (1 - (score - low) / (high - low));
    const seen = course.scores.map((scores) => this.averaged(course, scores));
    const ends = [];
    for (const place of highest(seen)) {
      const style = task.lines[place];
      group.append(svg("path", { d: path(seen[place], y), fill: "none", stroke: style.line, "stroke-width": 2,
        "stroke-dasharray": style.dash, "stroke-linejoin": "round" }));
      const last = seen[place].findLast((point) => point.score !== null && point.x <= this.scale.width);
      if (last) ends.push({ x: last.x, y: y(last.score), style });
    }
    this.letters(group, ends, top, top + height);
    for (const [number, at] of [[high, top + 9], [low, top + height - 2]]) {
      group.append(svg("text", { class: "scale", x: 1, y: at }, String(Math.round(number * 100) / 100)));
    }
    return group;
  }

  /** Give the points of a course that are seen, averaged where they are closer than can be told. */
  averaged(course, scores) {
    const apart = (course.step / this.scale.span) * this.scale.width;
    const count = Math.max(Math.ceil(COARSEST / apart), 1);
    const first = Math.floor((this.scale.from - course.from) / course.step / count) * count;
    const last = Math.min(Math.ceil((this.scale.to - course.from) / course.step) + count, scores.length);
    const points = [];
    for (let at = Math.max(first, 0); at < last; at += count) {
      const known = scores.slice(at, at + count).filter((score) => score !== null);
      const middle = course.from + (at + (Math.min(count, scores.length - at) - 1) / 2) * course.step;
      const score = known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : null;
      points.push({ x: this.scale.x(middle), score });
    }
    return points;
  }

  letters(group, ends, top, bottom) {
    ends.sort((a, b) => a.y - b.y);
    let lowest = top - 4;
    for (const { x, y, style } of ends) {
      const at = Math.max(y + 4, lowest + 11);
      if (at > bottom + 8) break;
      const room = x > this.scale.width - 16;
      group.append(svg("text", { class: "letter", x: room ? this.scale.width - 1 : x + 3, y: at,
        "text-anchor": room ? "end" : "start" }, style.letter));
      lowest = at;
    }
  }

  overviewX(time) {
    return ((time - this.data.start) / (this.data.end - this.data.start)) * this.overview.clientWidth;
  }

  /** Draw the strip of the whole recording, a thin row for each speaker. */
  drawOverview() {
    const group = svg("g");
    this.overview.setAttribute("height", Math.max(this.data.speakers.length, 1) * (ROW + 1) + 5);
    for (const one of this.data.segments) {
      const answer = one.tasks[this.task];
      const style = answer && this.data.tasks[this.task].bars[answer.bar];
      const x = this.overviewX(one.start);
      group.append(svg("rect", { x, y: 3 + one.lane * (ROW + 1), width: Math.max(this.overviewX(one.end) - x, 0.7),
        height: ROW, fill: style ? style.line : "#aab4bf" }));
    }
    this.window = svg("rect", { class: "window", y: 1 });
    this.small = svg("line", { class: "now", y1: 0, y2: 200 });
    this.overview.replaceChildren(group, this.window, this.small);
    this.drawWindow();
    this.place();
  }

  drawWindow() {
    if (!this.window) return;
    const x = this.overviewX(this.scale.from);
    this.window.setAttribute("x", x);
    this.window.setAttribute("width", Math.max(this.overviewX(this.scale.to) - x, 3));
    this.window.setAttribute("height", Math.max(this.overview.getAttribute("height") - 2, 1));
  }
}

/** Write a line through points, with gaps where there is no score; a single point is a dot. */
function path(points, y) {
  let d = "", drawing = false;
  for (const { x, score } of points) {
    if (score !== null) d += `${drawing ? "L" : "M"}${x.toFixed(1)} ${y(score).toFixed(1)}${drawing ? "" : "h.01"}`;
    drawing = score !== null;
  }
  return d;
}

/** Choose the courses that are highest on average, at most as many as can be told apart. */
function highest(courses) {
  const means = courses.map((points) => {
    const known = points.filter((point) => point.score !== null);
    return known.reduce((sum, point) => sum + point.score, 0) / known.length; // NaN: none is seen
  });
  const places = means.map((_, place) => place).filter((place) => !Number.isNaN(means[place]));
  return places.sort((a, b) => means[b] - means[a]).slice(0, MOST_LINES).sort((a, b) => a - b);
}

function shortened(text, length) {
  const signs = [...text];
  return signs.length <= length ? text : `${signs.slice(0, Math.max(length - 1, 1)).join("")}…`;
}
