// The board in the browser: keeps the companies that the server tells of, and shows those that matter first. All times are
// epochs by the database's clock; nothing is ever shown but as text.

const SHOWN = { late: 100, calm: 50 };
const PATIENCE = 40_000; // ms without a sign of life: the stream's server beats every 15 s
const $ = (id) => document.getElementById(id);

const companies = new Map(); // code -> { row, moved: [[bucket, saved, changed]], node }
let hub = null;
let skew = 0; // the database's clock against ours, in seconds
let bucket = 10;
let buckets = 60;
let complete = false; // all companies are here
let total = [];
let limit = { ...SHOWN };
let boardLost = 0; // when the stream ended, ms

const now = () => Date.now() / 1000 + skew;
const late = (since) => since !== null && now() - since >= hub.late;

// --- what the server says

function take(message) {
  skew = message.now - Date.now() / 1000;
  boardLost = 0;
  if (message.first) {
    companies.clear();
    total = [];
    complete = false;
    ({ bucket, buckets } = message);
  }
  const current = Math.floor(message.now / bucket);
  for (const row of message.rows ?? []) {
    const known = companies.get(row.azi);
    const company = known ?? { moved: [], node: null };
    if (row.moved) {
      company.moved = row.moved;
      delete row.moved;
    } else if (known) {
      const saved = Math.max(0, row.id_pub - known.row.id_pub);
      const changed = Math.max(0, row.id_sincro - known.row.id_sincro);
      add(company.moved, current, saved, changed);
      add(total, current, saved, changed);
    }
    company.row = row;
    companies.set(row.azi, company);
    if (row.azi === answered()) askAgain();
  }
  if (message.hub) hub = message.hub;
  if (!message.more && !complete) {
    complete = true;
    total = [];
    for (const { moved } of companies.values()) for (const [at, ...both] of moved) add(total, at, ...both);
  }
  if (complete) draw();
}

function add(moved, at, saved, changed) {
  if (!saved && !changed) return;
  let bar = moved.findLast(([when]) => when === at);
  if (!bar) moved.push((bar = [at, 0, 0]));
  bar[1] += saved;
  bar[2] += changed;
  while (moved.length > 2 * buckets) moved.shift();
}

let stream;
let watchdog;

function listen() {
  stream?.close();
  stream = new EventSource("/events");
  stream.onmessage = (event) => {
    alive();
    take(JSON.parse(event.data));
  };
  stream.onerror = () => {
    boardLost ||= Date.now();
    draw();
    // It comes back by itself, unless the server refused.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
  alive();
}

function alive() {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    boardLost ||= Date.now();
    draw();
    listen();
  }, PATIENCE);
}

// --- words

const count = new Intl.NumberFormat("en");
const plural = (n, one, many) => `${count.format(n)} ${n === 1 ? one : many}`;
const clock = (epoch) => new Date((epoch - skew) * 1000).toLocaleTimeString([], { hourCycle: "h23" });

function age(since) {
  const seconds = Math.max(0, Math.floor(now() - since));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

const name = (reader) =>
  reader.prov_tipo === "A" ? `device ${reader.prov_id}` : reader.prov_id === null ? "store" : `store ${reader.prov_id}`;

function reasons({ oldest, pending, readers }) {
  const said = [];
  if (late(oldest)) said.push(`${plural(pending, "order waits", "orders wait")} for the ERP, the oldest for ${age(oldest)}`);
  const behind = readers.filter((reader) => late(reader.since));
  for (const reader of behind.slice(0, 3)) {
    said.push(`${name(reader)} has not read ${plural(reader.rows, "change", "changes")} for ${age(reader.since)}`);
  }
  if (behind.length > 3) said.push(`${plural(behind.length - 3, "more reader lags", "more readers lag")}`);
  return said;
}

// What needs attention most comes first: an order that waits before a reader that lags.
const urgency = ({ oldest, readers }) =>
  late(oldest) ? 1e12 - oldest : late(readers[0]?.since ?? null) ? 1e10 - readers[0].since : 0;

// --- what is seen

let drawing = false;

function draw() {
  if (drawing) return;
  drawing = true;
  // Not by requestAnimationFrame, which stands still in a tab that nobody sees: its title counts, too.
  setTimeout(() => {
    drawing = false;
    if (hub && complete) drawAll();
    drawLink();
  });
}

function drawAll() {
  const lateOnes = [];
  const calmOnes = [];
  const wanted = $("filter").value.trim().toLowerCase();
  let pending = 0;
  let oldest = null;
  let silent = 0;
  let needing = 0;
  for (const company of companies.values()) {
    const { row } = company;
    pending += row.pending;
    if (row.oldest !== null && (oldest === null || row.oldest < oldest)) oldest = row.oldest;
    if (!row.notify) silent += 1;
    company.urgency = urgency(row);
    if (company.urgency) needing += 1;
    if (!row.azi.toLowerCase().includes(wanted)) continue;
    (company.urgency ? lateOnes : calmOnes).push(company);
  }
  lateOnes.sort((a, b) => b.urgency - a.urgency || compare(a, b));
  calmOnes.sort(compare);

  const down = !hub.up || boardLost;
  const state = down ? "down" : needing ? "late" : companies.size ? "calm" : "wait";
  $("hero").dataset.state = state;
  put($("headline"), down ? "No news" : needing ? plural(needing, "company needs attention", "companies need attention")
    : companies.size ? "All calm" : "No companies yet");
  put($("subline"), subline(needing));
  number($("all-pending"), pending);
  put($("all-oldest"), oldest === null ? "–" : age(oldest));
  const [saved, changed] = rates(total);
  number($("all-saved"), saved);
  number($("all-changed"), changed);
  spark($("spark-saved"), total, 1, "New orders");
  spark($("spark-changed"), total, 2, "The ERP's changes");
  document.title = `${down ? "⚠ " : needing ? `(${needing}) ` : ""}ortes board`;

  $("late-part").hidden = lateOnes.length === 0;
  list("late", lateOnes);
  list("calm", calmOnes);
  put($("calm-title"), needing ? "Calm" : "Companies");
  const none = wanted && !lateOnes.length && !calmOnes.length;
  $("none").hidden = !none;
  if (none) put($("none"), `No company has “${$("filter").value.trim()}” in its code.`);
  put($("how"), how(silent));
}

function subline(needing) {
  if (!hub.up || boardLost) return "What stands below is the last that was known.";
  if (!companies.size) return "A company shows here as soon as it is created.";
  const all = companies.size === 1 ? "One company" : `${needing ? "Of " : ""}${plural(companies.size, "company", "companies")}`;
  const limit = span(hub.late);
  return needing ? `${all}. Late is what waits longer than ${limit}.` : `${all}; nothing waits longer than ${limit}.`;
}

const span = (seconds) => (seconds % 60 ? `${seconds} s` : `${seconds / 60} min`);

function how(silent) {
  const every = `every ${hub.poll} s`;
  if (!hub.listening || hub.silent) return `Everything is read ${every}: ${hub.silent || "the board cannot listen"}.`;
  if (silent === companies.size) return `Everything is read ${every}: no company notifies (ortes_ops.set_notify switches that on).`;
  const others = silent ? `, and ${plural(silent, "company that does", "companies that do")} not notify (ortes_ops.set_notify),` : "";
  return `Orders show as the database notifies of them; readers${others} are read ${every}.`;
}

function drawLink() {
  const link = $("link");
  const live = hub && hub.listening && !hub.silent;
  const anyNotifies = live && [...companies.values()].some(({ row }) => row.notify);
  let said = "connecting";
  let state = "off";
  if (boardLost) [said, state] = ["board not reachable", "down"];
  else if (hub && !hub.up) [said, state] = ["database not reachable", "down"];
  else if (hub) [said, state] = anyNotifies ? ["live", "live"] : [`every ${hub.poll} s`, "poll"];
  put(link, said);
  link.dataset.state = state;
  const down = $("down");
  if (boardLost) put(down, `The board itself is not reachable since ${clock(boardLost / 1000 + skew)}.`);
  else if (hub && !hub.up) put(down, `The database is not reachable since ${clock(hub.since)}${hub.error ? `: ${hub.error}` : ""}.`);
  down.hidden = state !== "down";
}

const compare = (a, b) => (a.row.azi < b.row.azi ? -1 : 1);

function list(id, all) {
  const shown = all.slice(0, limit[id]);
  const place = $(id);
  shown.forEach((company, index) => {
    company.node ??= node(company.row.azi);
    fill(company);
    // Only what is out of place is moved: moving takes the keyboard's focus away.
    if (place.children[index] !== company.node) place.insertBefore(company.node, place.children[index] ?? null);
  });
  while (place.children.length > shown.length) place.lastElementChild.remove();
  const more = $(`${id}-more`);
  more.hidden = shown.length === all.length;
  put(more, `${count.format(all.length - shown.length)} more: show ${count.format(Math.min(200, all.length - shown.length))}`);
}

function node(azi) {
  const made = $("row").content.firstElementChild.cloneNode(true);
  made.dataset.azi = azi;
  made.querySelector("bdi").textContent = azi;
  made.querySelector("button").addEventListener("click", () => {
    $("azi").value = azi;
    $("number").focus();
  });
  return made;
}

function fill({ row, moved, node: place }) {
  const part = (selector) => place.querySelector(selector);
  const why = reasons(row);
  place.classList.toggle("needs", why.length > 0);
  put(part(".why"), why.join("; "));
  const live = hub.listening && !hub.silent;
  put(part(".how"), live && !row.notify ? `every ${hub.poll} s` : "");
  number(part(".pending b"), row.pending);
  put(part(".pending .age"), row.oldest === null ? "" : `oldest ${age(row.oldest)}`);
  const [saved, changed] = rates(moved);
  number(part(".saved b"), saved);
  number(part(".changed b"), changed);
  spark(part(".saved svg"), moved, 1, "New orders");
  spark(part(".changed svg"), moved, 2, "Changes");
  readers(part(".readers ul"), row);
}

// Each reader that lags by itself; those that have read everything together.
function readers(place, row) {
  const SEEN = 8;
  const behind = row.readers.filter((reader) => reader.rows);
  const read = row.readers.filter((reader) => !reader.rows);
  const said = behind.slice(0, SEEN).map((reader) => ({
    text: `${name(reader)}: ${plural(reader.rows, "row", "rows")}, ${age(reader.since)}`,
    state: late(reader.since) ? "late" : "behind",
  }));
  if (behind.length > SEEN) said.push({ text: `${behind.length - SEEN} more behind`, state: "behind" });
  const names = read.slice(0, SEEN).map((reader, index) =>
    reader.prov_tipo === "A" && read[index - 1]?.prov_tipo === "A" ? reader.prov_id : name(reader),
  );
  const more = read.length - names.length + row.more_readers;
  if (names.length) said.push({ text: `✓ ${names.join(", ")}${more ? ` and ${count.format(more)} more` : ""}`, state: "read" });
  else if (more) said.push({ text: `and ${count.format(more)} more`, state: "read" });
  if (!said.length) said.push({ text: "no reader yet", state: "read" });
  said.forEach(({ text, state }, index) => {
    const chip = place.children[index] ?? place.appendChild(document.createElement("li"));
    put(chip, text);
    chip.dataset.state = state;
  });
  while (place.children.length > said.length) place.lastElementChild.remove();
}

// In the last minute, as far as bars of ten seconds tell.
function rates(moved) {
  const first = Math.floor(now() / bucket) - Math.round(60 / bucket) + 1;
  return [1, 2].map((column) => moved.reduce((sum, bar) => sum + (bar[0] >= first ? bar[column] : 0), 0));
}

const SVG = "http://www.w3.org/2000/svg";

function spark(svg, moved, column, what) {
  const HEIGHT = 24;
  const last = Math.floor(now() / bucket);
  const bars = moved.filter((bar) => bar[0] > last - buckets && bar[column] > 0);
  const most = Math.max(1, ...bars.map((bar) => bar[column]));
  // One path: a line up for each bar.
  const d = bars
    .map((bar) => `M${bar[0] - last + buckets - 0.5} ${HEIGHT}v-${((bar[column] / most) * (HEIGHT - 2)).toFixed(1)}`)
    .join("");
  if (svg.dataset.drawn === d) return;
  if (!svg.firstChild) {
    svg.setAttribute("viewBox", `0 0 ${buckets} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.append(document.createElementNS(SVG, "path"));
  }
  svg.dataset.drawn = d;
  svg.firstChild.setAttribute("d", d);
  const minutes = (bucket * buckets) / 60;
  svg.setAttribute("aria-label", bars.length ? `${what} in the last ${minutes} minutes: at most ${most} in ${bucket} seconds` : `${what}: none in the last ${minutes} minutes`);
}

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

// A number; that it rises is seen.
function number(place, value) {
  const before = place.dataset.value;
  if (before === String(value)) return;
  place.dataset.value = value;
  put(place, count.format(value));
  place.classList.remove("new");
  if (before !== undefined && value > Number(before)) requestAnimationFrame(() => place.classList.add("new"));
}

// --- where is my order?

const form = $("search");
const inForm = () => String(new URLSearchParams(new FormData(form)));
let asked = inForm(); // what the answer is to
let asking = 0;

async function ask(query, quietly = false) {
  const turn = ++asking;
  let found;
  try {
    const page = await (await fetch(`/order?${query}`)).text();
    found = new DOMParser().parseFromString(page, "text/html").getElementById("answer");
  } catch {
    if (quietly) return;
  }
  // What it says of an order stays until something newer is known of that.
  if (turn !== asking || (quietly && !found.querySelector(".order"))) return;
  if (found) $("answer").replaceChildren(...found.children);
  else $("answer").textContent = "The board did not answer: try again.";
  asked = query;
  localTimes();
  if (!quietly) history.replaceState(null, "", `/order?${query}`);
}

const answered = () => $("answer").querySelector(".order")?.dataset.azi;

let again;
function askAgain() {
  clearTimeout(again);
  again = setTimeout(() => ask(asked, true), 300);
}

function localTimes() {
  for (const time of $("answer").querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.textContent = at.toLocaleString("sv"); // 2026-11-24 13:09:02, in the reader's zone
    time.title = time.dateTime;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(inForm());
});

function whose() {
  form.dataset.kind = $("kind").value;
}
$("kind").addEventListener("change", whose);

// --- the rest

$("filter").addEventListener("input", () => {
  limit = { ...SHOWN };
  draw();
});

for (const id of ["late", "calm"]) {
  $(`${id}-more`).addEventListener("click", () => {
    limit[id] += 200;
    draw();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
  event.preventDefault();
  $($("azi").value ? "number" : "azi").focus();
});

function theme(wanted) {
  if (wanted) document.documentElement.dataset.theme = wanted;
}
$("theme").addEventListener("click", () => {
  const chosen = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const other = chosen === "dark" ? "light" : "dark";
  theme(other);
  try {
    localStorage.setItem("theme", other);
  } catch {
    // It is forgotten then.
  }
});
try {
  theme(localStorage.getItem("theme"));
} catch {
  // The system's, then.
}

whose();
localTimes();
setInterval(draw, 1000); // ages go on by themselves
listen();
