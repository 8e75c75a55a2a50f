const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const scale = new Scale(data.start, data.end);
const chart = new Chart(data, scale, byId("lanes"), byId("overview"));
const media = byId("media");
const list = byId("lines");
const lines = list ? [...list.children] : [];
let current = -1; // the segment whose line is marked
const spoken = {}; // of that segment: the words, and their elements

function html(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

function redraw() {
  byId("range").textContent = `${clock(scale.from)} to ${clock(scale.to)}`;
  chart.later();
}

/** Choose a segment: show its scores, mark its line, and play from it. */
function choose(place, { seek = true } = {}) {
  const one = data.segments[place];
  if (!one) return;
  chart.selected = place;
  scale.reveal(one.start, one.end);
  showDetails(one);
  mark(place);
  if (seek) goTo(one.start);
  redraw();
}

function goTo(time) {
  chart.now = time;
  chart.place();
  if (media) media.currentTime = time;
}

function showDetails(one) {
  const said = html("p", { class: "quote" }, one.words.map((word) => word[2]).join(" ") || textOf(one));
  const facts = [`${clock(one.start, 0.1)} to ${clock(one.end, 0.1)}`];
  if (one.from.length) facts.push(`from ${one.from.join(", ")}`);
  if (one.face !== null) facts.push(`face ${one.face}`);
  const parts = [html("h3", {}, data.speakers[one.lane]), html("p", { class: "faint" }, facts.join(" · "))];
  if (said.textContent) parts.push(said);
  one.tasks.forEach((answer, place) => parts.push(...answerParts(answer, data.tasks[place])));
  byId("details").replaceChildren(...parts);
}

function textOf(one) {
  const line = lines[data.segments.indexOf(one)];
  return line ? line.querySelector(".said").textContent : "";
}

function answerParts(answer, task) {
  const chip = html("span", { class: "chip" }, answer.label || "–");
  dress(chip, answer, task);
  const parts = [html("h4", {}, `${task.name} `, chip)];
  if (answer.why) parts.push(html("p", { class: "why" }, reason(answer.why)));
  if (answer.numbers.length) parts.push(scores(answer, task));
  return parts;
}

function reason(why) {
  if (why === "overlap") return "Not answered: two persons speak at once.";
  if (why === "short") return "Not answered: it is too short.";
  return `Can't tell: ${why}.`;
}

function scores(answer, task) {
  const [low, high] = task.range;
  const grid = html("div", { class: answer.answered ? "scores" : "scores unsure" });
  const order = answer.numbers.map((_, place) => place);
  if (task.ranked) order.sort((a, b) => answer.numbers[b] - answer.numbers[a]);
  for (const place of order.slice(0, 12)) {
    const share = Math.min(Math.max((answer.numbers[place] - low) / (high - low), 0), 1);
    const fill = html("i");
    fill.style.cssText = `width:${100 * share}%;background:${task.lines[place].line}`;
    grid.append(html("span", {}, task.lines[place].name), html("div", {}, fill), html("span", {}, answer.numbers[place].toFixed(2)));
  }
  return grid;
}

/** Colour a chip as the label of an answer. */
function dress(chip, answer, task) {
  const style = task.bars[answer.bar];
  chip.className = style ? "chip" : "chip none";
  chip.style.cssText = style ? `background-color:${style.fill};color:${style.ink}` : "";
}

/** Mark the line of a segment in the transcript, and bring it into view within its box. */
function mark(place) {
  if (place === current) return;
  if (lines[current]) {
    lines[current].classList.remove("current");
    lines[current].firstElementChild.removeAttribute("aria-current");
    if (spoken.text !== undefined) lines[current].querySelector(".said").textContent = spoken.text;
  }
  current = place;
  delete spoken.text;
  const line = lines[place];
  if (!line) return;
  line.classList.add("current");
  line.firstElementChild.setAttribute("aria-current", "true");
  divide(line, data.segments[place].words);
  if (byId("follow").checked) list.scrollTop = line.offsetTop - (list.clientHeight - line.offsetHeight) / 2;
}

/** Give each word of the current line an element, so that it can be marked as it is spoken. */
function divide(line, words) {
  if (!words.length) return;
  const said = line.querySelector(".said");
  spoken.text = said.textContent;
  spoken.words = words;
  spoken.marks = words.map((word) => html("span", {}, word[2]));
  said.replaceChildren(...spoken.marks.flatMap((one) => [one, " "]));
}

function markWord(time) {
  if (spoken.text === undefined) return;
  spoken.words.forEach(([start, end], place) => {
    const is = time >= start && time < end;
    if (is !== (spoken.marks[place].localName === "mark")) {
      const fresh = html(is ? "mark" : "span", {}, spoken.words[place][2]);
      spoken.marks[place].replaceWith(fresh);
      spoken.marks[place] = fresh;
    }
  });
}

/** Find the segment at a time: of several the one that began last. */
function segmentAt(time) {
  let found = -1;
  for (let place = 0; place < data.segments.length && data.segments[place].start <= time; place += 1) {
    if (data.segments[place].end > time) found = place;
  }
  return found;
}

function follow() {
  chart.now = media.currentTime;
  const place = segmentAt(chart.now);
  if (place >= 0 && place !== current) {
    chart.selected = place;
    showDetails(data.segments[place]);
    mark(place);
    chart.later();
  }
  markWord(chart.now);
  if (!media.paused && byId("follow") && byId("follow").checked && (chart.now < scale.from || chart.now > scale.to)) {
    scale.show(chart.now - 0.1 * scale.span, scale.span);
    redraw();
  }
  chart.place();
}

function chooseTask(place) {
  chart.task = place;
  const task = data.tasks[place];
  byId("legend").replaceChildren(...(task ? task.bars : []).map(legendItem), unansweredItem());
  lines.forEach((line, at) => {
    const answer = data.segments[at].tasks[place];
    const chip = line.querySelector(".chip");
    if (!answer) return;
    chip.textContent = answer.label || "–";
    dress(chip, answer, task);
  });
  chart.drawOverview();
  redraw();
}

function legendItem(style) {
  const swatch = svg("svg", { width: 26, height: 18, "aria-hidden": "true" });
  const box = { x: 0.5, y: 0.5, width: 25, height: 17, rx: 3 };
  swatch.append(svg("rect", { ...box, fill: style.fill, stroke: style.line }));
  if (style.pattern) swatch.append(svg("rect", { ...box, fill: `url(#pattern${style.pattern})` }));
  swatch.append(inked(style, 13, 13.5, style.letter));
  return html("li", {}, swatch, style.name);
}

function unansweredItem() {
  const swatch = svg("svg", { width: 26, height: 18, "aria-hidden": "true" });
  const box = { x: 0.5, y: 0.5, width: 25, height: 17, rx: 3 };
  swatch.append(svg("rect", { ...box, fill: "#e9edf1", stroke: UNANSWERED }), svg("rect", { ...box, fill: "url(#hatch)" }));
  return html("li", {}, swatch, "not answered");
}
