// The replay's page: which step is shown, in which language, light or dark. All data comes from the element #data.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const steps = data.steps;
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const slider = byId("slider");
  const PARTIES = ["store", "app", "hub", "erp"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let language = "en";
  let current = 0;

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  function text(key, ...values) {
    return data.texts[key][language].replace(/\{(\d)\}/g, (_, number) => values[number]);
  }

  // What the scenario says itself; without a translation it stays as it is.
  function said(source) {
    return data.translations[language]?.[source] ?? source;
  }

  // Some browsers keep nothing for pages on disk; then the choice lasts as long as the page.
  function remember(name, value) {
    try { localStorage.setItem(`ortes.${name}`, value); } catch { /* see above */ }
  }
  function remembered(name) {
    try { return localStorage.getItem(`ortes.${name}`); } catch { return null; }
  }

  // --- the step

  function show(number) {
    current = Math.min(Math.max(number, 1), steps.length);
    const step = steps[current - 1];
    slider.value = current;
    byId("previous").disabled = current === 1;
    byId("next").disabled = current === steps.length;
    for (const row of all("tr[data-step]")) {
      const place = Number(row.dataset.step);
      row.className = place < current ? "past" : place > current ? "future" : "current";
      if (place === current) row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
    }
    for (const body of all("#document tbody")) body.classList.toggle("here", body.querySelector(".current") !== null);
    for (const note of all("tr[data-note]")) note.classList.toggle("open", Number(note.dataset.note) === current);
    [...byId("ticks").children].forEach((tick, n) => tick.classList.toggle("past", n < current));
    write(step);
    reveal();
  }

  function write(step) {
    const where = text("row_of", step.section, step.row);
    const changed = step.cells.map(([column, value]) => `${column} ${value || `(${text("blank")})`}`);
    byId("kicker").textContent = `${text("step_of", current, steps.length)} · ${where}`;
    byId("sentence").textContent = said(step.description) || where;
    slider.setAttribute("aria-valuetext", `${text("step_of", current, steps.length)}: ${where}`);
    byId("chips").replaceChildren(...step.cells.map(([column, value]) =>
      element("li", "", `${column} `, value ? element("code", "", value) : element("i", "", `(${text("blank")})`))));
    byId("live").textContent =
      `${said(step.description)}. ${changed.length ? `${text("changed")}: ${changed.join("; ")}` : text("nothing_changed")}.`;
    writeCalls(step);
    writeHoldings();
  }

  // The row in question is to be seen in the table, and the cells that it is about; the page itself does not move.
  function reveal() {
    const view = byId("document");
    root.style.setProperty("--above", `${view.parentElement.getBoundingClientRect().top + scrollY}px`);
    const row = view.querySelector("tr.current");
    const head = view.querySelector("thead").offsetHeight;
    const note = view.querySelector("tr.note.open");
    const top = row.offsetTop - head;
    const bottom = row.offsetTop + row.offsetHeight + (note ? note.offsetHeight : 0);
    const middle = Math.min((top + bottom - (view.clientHeight - head)) / 2, top);
    // A row below the head is seen whole or not at all.
    const first = [...view.querySelectorAll("tbody tr")].find((line) => line.offsetTop - head >= middle);
    view.scrollTop = first ? first.offsetTop - head : middle;
    const cells = [...row.querySelectorAll(".new, .erratum, .mismatch")];
    if (cells.length) {
      const side = row.firstElementChild.offsetWidth;
      const [from, to] = [cells[0].offsetLeft - side, cells.at(-1).offsetLeft + cells.at(-1).offsetWidth];
      const seen = from >= view.scrollLeft && to <= view.scrollLeft + view.clientWidth;
      // All of them; where that is too much, the first.
      if (!seen) view.scrollLeft = to - view.clientWidth <= from ? to - view.clientWidth : from - 16;
    }
  }

  // --- what passed

  function writeCalls(step) {
    const lines = step.traffic.map(([counter, first, last]) => {
      const told = first === last ? text("traffic_one", counter, first) : text("traffic", counter, first, last);
      return element("li", "aside", told);
    });
    for (const call of step.calls) lines.push(callLine(call));
    if (!step.calls.length) lines.push(element("li", "none", text("no_call")));
    byId("calls").replaceChildren(...PARTIES.map((party) => lifeline(party)), ...lines);
    const acting = step.calls.length ? step.calls[0].party : actor(step);
    byId("lanes").dataset.acting = acting;
    byId("lanes").classList.toggle("called", step.calls.length > 0);
    for (const lane of all(".lane")) {
      lane.classList.toggle("acting", lane.classList.contains(acting) || (step.calls.length > 0 && lane.classList.contains("hub")));
    }
  }

  // Who acted without a call: the one whose holdings changed.
  function actor(step) {
    return step.held.map(([party]) => party).find((party) => party !== "counters") ?? "";
  }

  function lifeline(party) {
    const line = element("li", `life ${party}`);
    line.setAttribute("role", "presentation");
    line.setAttribute("aria-hidden", "true");
    return line;
  }

  function callLine(call) {
    const told = call.arguments.map(([name, value]) => `${name} ${value}`).join(", ");
    const ask = element("div", "ask", element("span", "unseen", `${partyName(call)} → ${text("party_hub")}: `),
      element("span", "who", partyName(call)), element("code", "", call.door), " ", element("span", "told", told));
    const say = element("div", call.error ? "say error" : "say", element("span", "unseen", `${text("answers")}: `), answer(call));
    return element("li", `call ${call.party}${call.number === null ? "" : " numbered"}`, ask, say);
  }

  function partyName(call) {
    if (call.number === null) return text(`party_${call.party}`);
    return text(call.party === "app" ? "device" : "store_number", call.number);
  }

  function answer(call) {
    if (call.error) return call.error;
    if (!call.answer.length) return text("nothing");
    return call.answer.map(([name, values]) => `${name} ${values}`.trim()).join(" · ") || text("done");
  }

  // --- what each one holds: all changes up to now

  function holdingsUpTo(number) {
    const held = Object.fromEntries(Object.keys(data.columns).map((party) => [party, new Map()]));
    for (const step of steps.slice(0, number)) {
      for (const [party, key, cells] of step.held) {
        if (cells === null) held[party].delete(key); else held[party].set(key, cells);
      }
    }
    return held;
  }

  function writeHoldings() {
    const held = holdingsUpTo(current);
    const changed = new Map(steps[current - 1].held.map(([party, key, , names]) => [`${party} ${key}`, names]));
    for (const party of PARTIES) {
      const parts = [held[party].size ? holdingsTable(party, held[party], changed) : element("p", "nothing", text("no_order"))];
      if (party === "hub") parts.push(countersLine(held.counters, changed));
      byId(`holds-${party}`).replaceChildren(...parts);
    }
    revealHoldings();
  }

  // What is too much for its lane scrolls there, by keyboard too; what changed is to be seen.
  function revealHoldings() {
    for (const party of PARTIES) {
      const box = byId(`holds-${party}`);
      const small = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      if (small) box.tabIndex = 0; else box.removeAttribute("tabindex");
      const row = box.querySelector("tbody .new")?.parentElement;
      if (row) box.scrollTop = row.offsetTop + row.offsetHeight - box.clientHeight / 2;
    }
  }

  // The lanes keep their places from step to step: each has room for the most that it will hold, up to a few. A table of many
  // rows is as high as the window, whether or not a row's erratum is open.
  function reserve() {
    root.classList.toggle("few", steps.length <= 12);
    const held = holdingsUpTo(steps.length);
    for (const party of PARTIES) byId(`holds-${party}`).style.setProperty("--rows", Math.min(held[party].size, 4));
    const most = (parties) => Math.max(1, ...steps.map((step) => step.calls.filter((call) => parties.includes(call.party)).length));
    byId("lanes").style.setProperty("--calls-above", Math.min(most(["store", "app"]), 4));
    byId("lanes").style.setProperty("--calls-below", Math.min(most(["erp"]), 4));
  }

  function holdingsTable(party, rows, changed) {
    const columns = data.columns[party];
    const heads = columns.map(([name, label]) => {
      const head = element("th", "", name === "number" ? text(party === "app" ? "device" : "store_number", "").trim() : label);
      head.scope = "col";
      return head;
    });
    const body = [...rows].map(([key, cells]) => {
      const names = changed.get(`${party} ${key}`) ?? [];
      return element("tr", "", ...columns.map(([name]) => element("td", names.includes(name) ? "new" : "", cells[name])));
    });
    return element("table", "", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...body));
  }

  function countersLine(counters, changed) {
    const line = element("p", "counters", `${text("counters")}: `);
    for (const [azi, cells] of counters) {
      const names = changed.get(`counters ${azi}`) ?? [];
      for (const [name, label] of data.columns.counters) {
        if (name === "azi") line.append(`${cells.azi} `);
        else line.append(`${label} `, element("b", names.includes(name) && current > 1 ? "new" : "", cells[name]), " ");
      }
    }
    return line;
  }

  // --- language and light

  function speak(chosen) {
    language = chosen;
    root.lang = chosen;
    for (const part of all("[data-t]")) part.textContent = text(part.dataset.t);
    for (const part of all("[data-s]")) part.textContent = said(part.dataset.s);
    for (const row of all("tr[data-step]")) row.title = row.querySelector("[data-s]").textContent;
    for (const part of all("[data-label]")) part.setAttribute("aria-label", text(part.dataset.label));
    for (const part of all("[data-title]")) part.title = text(part.dataset.title);
    for (const button of all("[data-language]")) button.setAttribute("aria-pressed", button.dataset.language === chosen);
    document.title = document.querySelector("h1").textContent;
  }

  function light(chosen) {
    if (chosen) root.dataset.theme = chosen;
    const isDark = (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
    byId("dark").setAttribute("aria-pressed", isDark);
    return isDark;
  }

  // --- what the person does

  function go(number) {
    show(number);
    history.replaceState(null, "", `#step-${current}`);
  }

  function fromAddress() {
    const found = /^#step-(\d+)$/.exec(location.hash);
    return found ? Number(found[1]) : 0;
  }

  const keys = { ArrowLeft: () => current - 1, ArrowRight: () => current + 1, Home: () => 1, End: () => steps.length };
  document.addEventListener("keydown", (event) => {
    // The slider has these keys itself; a table that scrolls sideways needs them.
    const taken = event.target.closest("input, .scroll, .holds") ?? (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
    if (taken || !keys[event.key]) return;
    event.preventDefault();
    go(keys[event.key]());
  });
  slider.addEventListener("input", () => go(Number(slider.value)));
  byId("previous").addEventListener("click", () => go(current - 1));
  byId("next").addEventListener("click", () => go(current + 1));
  byId("document").addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-step]");
    if (!row || String(getSelection())) return;
    event.preventDefault();
    go(Number(row.dataset.step));
  });
  addEventListener("resize", () => { reveal(); revealHoldings(); });
  addEventListener("hashchange", () => { if (fromAddress()) show(fromAddress()); });
  for (const button of all("[data-language]")) {
    button.addEventListener("click", () => {
      speak(button.dataset.language);
      remember("language", language);
      show(current);
    });
  }
  byId("dark").addEventListener("click", () => {
    const chosen = light() ? "light" : "dark";
    light(chosen);
    remember("theme", chosen);
  });
  dark.addEventListener("change", () => light());

  // --- at the beginning

  for (const part of all("[data-s]")) part.dataset.s = part.textContent;
  if (steps.length <= 150) {
    byId("ticks").append(...steps.map((step) => element("span", step.verdicts.join(" "))));
  }
  root.classList.add("scripted");
  reserve();
  light(remembered("theme"));
  const wanted = remembered("language") ?? navigator.language.slice(0, 2);
  speak(data.languages.includes(wanted) ? wanted : "en");
  const wrong = steps.findIndex((step) => step.verdicts.includes("mismatch") || step.verdicts.includes("problem"));
  show(fromAddress() || wrong + 1 || 1);
})();
