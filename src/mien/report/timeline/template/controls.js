/** Zoom about a place in what is seen; by keys about the current time, or else the middle. */
function zoom(factor, x = scale.x(chart.now)) {
  scale.zoom(factor, x >= 0 && x <= scale.width ? x : scale.width / 2);
  redraw();
}

function showAll() {
  scale.show(data.start, data.end - data.start);
  redraw();
}

function pan(seconds) {
  scale.pan(seconds);
  redraw();
}

const pointers = new Map(); // those that are down on the lanes
let moved = false;

function gap() {
  const [one, other] = [...pointers.values()];
  return Math.max(Math.abs(one - other), 10);
}

function middle() {
  const all = [...pointers.values()];
  return all.reduce((sum, x) => sum + x, 0) / all.length - chart.lanes.getBoundingClientRect().left;
}

chart.lanes.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  if (!pointers.size) moved = false;
  pointers.set(event.pointerId, event.clientX);
});

chart.lanes.addEventListener("pointermove", (event) => {
  if (!pointers.has(event.pointerId)) return;
  const before = middle(), apart = pointers.size === 2 ? gap() : 1;
  const way = event.clientX - pointers.get(event.pointerId);
  if (!moved && pointers.size === 1 && Math.abs(way) < 4) return; // a click with an unsteady hand
  moved = true;
  chart.lanes.setPointerCapture(event.pointerId);
  chart.lanes.classList.add("dragged");
  pointers.set(event.pointerId, event.clientX);
  if (pointers.size === 2) scale.zoom(gap() / apart, middle());
  pan(((before - middle()) / scale.width) * scale.span);
});

function lift(event) {
  pointers.delete(event.pointerId);
  chart.lanes.classList.remove("dragged");
}
chart.lanes.addEventListener("pointerup", lift);
chart.lanes.addEventListener("pointercancel", lift);

chart.lanes.addEventListener("click", (event) => {
  if (moved) return;
  byId("chart").focus({ preventScroll: true });
  const box = chart.lanes.getBoundingClientRect();
  const place = chart.segmentAt(event.clientX - box.left, event.clientY - box.top);
  if (place >= 0) choose(place);
  else goTo(scale.time(event.clientX - box.left));
});

/** The wheel scrolls the page until the chart was clicked; a pinch on a pad comes with ctrlKey. */
byId("chart").addEventListener("wheel", (event) => {
  const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (sideways) {
    pan((((event.deltaX || event.deltaY) / scale.width) * scale.span));
  } else if (event.ctrlKey || document.activeElement === byId("chart")) {
    const rate = event.ctrlKey ? 0.01 : 0.002;
    zoom(Math.exp(-event.deltaY * rate), event.clientX - chart.lanes.getBoundingClientRect().left);
  } else return;
  event.preventDefault();
}, { passive: false });

function step(by) {
  const place = chart.selected < 0 ? segmentAt(chart.now) : chart.selected + by;
  choose(Math.min(Math.max(place, 0), data.segments.length - 1));
}

function whilePlaying() {
  follow();
  if (!media.paused) requestAnimationFrame(whilePlaying);
}

function play() {
  if (!media) return;
  if (media.paused) media.play().catch(() => {});
  else media.pause();
}

const KEYS = {
  ArrowLeft: (event) => (event.shiftKey ? pan(-scale.span / 4) : step(-1)),
  ArrowRight: (event) => (event.shiftKey ? pan(scale.span / 4) : step(1)),
  Home: () => choose(0),
  End: () => choose(data.segments.length - 1),
  "+": () => zoom(1.5),
  "=": () => zoom(1.5),
  "-": () => zoom(1 / 1.5),
  0: showAll,
  " ": play,
};

byId("chart").addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act(event);
});

byId("in").addEventListener("click", () => zoom(1.5));
byId("out").addEventListener("click", () => zoom(1 / 1.5));
byId("all").addEventListener("click", showAll);
if (byId("task")) byId("task").addEventListener("change", (event) => chooseTask(Number(event.target.value)));

function moveWindow(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const box = chart.overview.getBoundingClientRect();
  const time = data.start + ((event.clientX - box.left) / box.width) * (data.end - data.start);
  scale.show(time - scale.span / 2, scale.span);
  redraw();
}
chart.overview.addEventListener("pointerdown", (event) => {
  chart.overview.setPointerCapture(event.pointerId);
  moveWindow(event);
});
chart.overview.addEventListener("pointermove", moveWindow);

if (list) {
  list.addEventListener("click", (event) => {
    const line = event.target.closest("li");
    if (line) choose(lines.indexOf(line));
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = by && lines[lines.indexOf(document.activeElement.closest("li")) + by];
    if (!next) return;
    event.preventDefault();
    next.firstElementChild.focus();
  });
  list.addEventListener("focusin", (event) => { // one line alone is a stop of the tab key
    for (const other of list.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    event.target.tabIndex = 0;
  });
}

if (media) {
  media.addEventListener("play", whilePlaying);
  for (const name of ["seeked", "timeupdate"]) media.addEventListener(name, follow);
  media.addEventListener("error", () => { byId("unplayable").hidden = false; });
}

window.addEventListener("resize", () => { chart.drawOverview(); redraw(); });
chooseTask(0);
