"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const signs = { yes: "✓", no: "✗", "under-conditions": "~", "nothing-arrives": "·", unknown: "?" };
const words = { yes: "yes", no: "no", "under-conditions": "under conditions", "nothing-arrives": "no such request arrives", unknown: "not known" };

function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function wanted(field) {
  const parts = byId(field).value.toLowerCase().split(/\s+/).filter(Boolean);
  return (text) => parts.every((part) => text.toLowerCase().includes(part));
}

function reached(cell) {
  return cell.answer !== "no" && cell.answer !== "nothing-arrives";
}

function draw() {
  const callerFits = wanted("callers");
  const operationFits = wanted("operations");
  const only = byId("reached").checked;
  let columns = data.columns.filter((column) => operationFits(column.at + " " + column.operation));
  let rows = data.callers.map((caller, at) => ({ caller, at })).filter(({ caller }) => callerFits([caller.name, caller.note, data.groups[caller.group]].join(" ")));
  if (only) {
    columns = columns.filter((column) => rows.some((row) => reached(column.cells[row.at])));
    rows = rows.filter((row) => columns.some((column) => reached(column.cells[row.at])));
  }
  const table = byId("table");
  table.replaceChildren();
  const head = element("thead", undefined, table);
  const places = element("tr", undefined, head);
  const names = element("tr", undefined, head);
  element("th", data.target, places);
  element("th", "", names);
  for (let at = 0; at < columns.length; ) {
    const end = columns.findIndex((column, other) => other > at && column.at !== columns[at].at);
    const span = (end < 0 ? columns.length : end) - at;
    element("th", columns[at].at, places).colSpan = span;
    at += span;
  }
  columns.forEach((column) => { element("th", column.operation, names).title = column.what; });
  const body = element("tbody", undefined, table);
  let group;
  rows.forEach(({ caller, at }) => {
    if (caller.group !== group) {
      group = caller.group;
      const line = element("tr", undefined, body);
      line.className = "group";
      element("th", data.groups[group], line);
      if (columns.length) element("td", "", line).colSpan = columns.length;
    }
    const line = element("tr", undefined, body);
    const name = element("th", caller.name, line);
    name.scope = "row";
    name.title = caller.note;
    columns.forEach((column) => {
      const cell = column.cells[at];
      const button = element("button", signs[cell.answer], element("td", undefined, line));
      button.type = "button";
      button.className = cell.answer;
      button.title = `${caller.name} to ${column.what} at ${column.at}: ${words[cell.answer]}`;
      button.setAttribute("aria-label", button.title);
      button.addEventListener("click", () => show(caller, column, cell, button));
    });
  });
  byId("count").textContent = `${rows.length} callers, ${columns.length} operations`;
}

function example(panel, title, shown) {
  element("h2", title, panel);
  element("p", shown.words, panel);
  element("p", `${shown.outcome}: ${shown.why}`, panel);
  rules(panel, shown.because);
  element("pre", JSON.stringify(shown.request, null, 1), panel);
}

function rules(panel, list) {
  if (!list.length) return;
  const items = element("ul", undefined, panel);
  list.forEach((rule) => element("li", `${rule.action ? rule.action + " by " : ""}${rule.object}${rule.rule ? ", rule " + rule.rule : ""} (${rule.file}:${rule.line})`, items));
}

function show(caller, column, cell, button) {
  document.querySelectorAll("[aria-pressed]").forEach((other) => other.removeAttribute("aria-pressed"));
  button.setAttribute("aria-pressed", "true");
  const panel = byId("panel");
  panel.replaceChildren();
  panel.hidden = false;
  const close = element("button", "Close", panel);
  close.type = "button";
  close.className = "close";
  close.addEventListener("click", () => { panel.hidden = true; button.removeAttribute("aria-pressed"); button.focus(); });
  element("h1", caller.name, panel);
  if (caller.note) element("p", caller.note, panel);
  element("p", `to ${column.what} at ${column.at}`, panel);
  element("p", words[cell.answer], panel).className = cell.answer;
  if (cell.why) element("p", cell.why, panel);
  if (cell["depends-on"].length) {
    element("h2", "depends on", panel);
    element("p", cell["depends-on"].join(", "), panel);
  }
  if (cell.admitted) example(panel, "admitted", cell.admitted);
  if (cell.refused) example(panel, "refused", cell.refused);
  if (cell.rules.length) {
    element("h2", "rules with a say", panel);
    rules(panel, cell.rules);
  }
}

["callers", "operations"].forEach((id) => byId(id).addEventListener("input", draw));
byId("reached").addEventListener("change", draw);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target.type !== "search") {
    event.preventDefault();
    byId("callers").focus();
  }
  if (event.key === "Escape") byId("panel").hidden = true;
});
draw();
